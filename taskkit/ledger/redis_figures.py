"""Figures of the ledger in Redis, for all servers of a stack: see `figures`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import redis

from .connection import Connection, refusals
from .figures import RUN_MS, WAIT_MS, Durations, Standing, StoreFacts

TIMEOUT_S = 2.0
"""Who asks for figures rather has none than waits for a Redis that hangs."""

MOST_EVENTS = 250
"""How many events one script counts at most: about 3 ms in which Redis does nothing else."""


class RedisFigures:
    """See `Figures`. What is counted is in ``figures``, beside it what that needs."""

    def __init__(self, url: str, *, prefix: str = "tk:") -> None:
        # The rules of jobs are not needed: nothing here changes one.
        connection = Connection(url, (prefix, *(0,) * 6), timeout_s=TIMEOUT_S)
        self._redis = connection.redis
        self._run = connection.run
        self._kept = f"{prefix}figures:kept"
        self._turn = f"{prefix}figures:turn:"

    def count(self) -> int:
        bounds = (" ".join(map(str, ms)) for ms in (WAIT_MS, RUN_MS))
        return int(self._run("count", MOST_EVENTS, *bounds))

    def standing(self) -> Standing:
        pairs, *numbers = self._run("stand")
        counted = {name.decode(): int(n) for name, n in zip(pairs[::2], pairs[1::2], strict=True)}
        queued, running, oldest_ms, workers, processes, users, *lengths = map(int, numbers)
        wakeups, log_events, longest_log_events = lengths
        return Standing(
            queued=queued,
            running=running,
            oldest_queued_ms=max(0, oldest_ms),
            workers=workers,
            processes=processes,
            users=users,
            wakeups=wakeups,
            log_events=log_events,
            longest_log_events=longest_log_events,
            counted=counted,
            waits=_durations(counted, "wait", WAIT_MS),
            runs={
                state: _durations(counted, f"run:{state}", RUN_MS)
                for state in ("succeeded", "failed", "cancelled")
            },
        )

    def store(self) -> StoreFacts:
        with refusals():
            try:
                info = {
                    name: value
                    for section in ("memory", "persistence", "clients")
                    for name, value in self._redis.info(section).items()
                }
            except redis.ResponseError:  # forbidden by an ACL
                return StoreFacts()
        return _facts(info)

    def keep(self, name: str, value: int) -> None:
        with refusals():
            self._redis.hset(self._kept, name, value)

    def kept(self, name: str) -> int | None:
        with refusals():
            found = self._redis.hget(self._kept, name)
        return None if found is None else int(found)

    def is_turn(self, name: str, every_s: float) -> bool:
        with refusals():
            return bool(self._redis.set(self._turn + name, 1, nx=True, px=round(every_s * 1000)))


def _durations(counted: Mapping[str, int], name: str, bounds: tuple[int, ...]) -> Durations:
    places = range(1, len(bounds) + 2)
    counts = tuple(counted.get(f"{name}:{place}", 0) for place in places)
    return Durations(counts=counts, sum_ms=counted.get(f"{name}:sum_ms", 0))


def _facts(info: Mapping[str, Any]) -> StoreFacts:
    sizes = {"memory_used": "used_memory", "memory_max": "maxmemory", "aof": "aof_current_size"}
    has_aof = info.get("aof_enabled") == 1
    went = ["rdb_last_bgsave_status"]
    if has_aof:
        went += ["aof_last_write_status", "aof_last_bgrewrite_status"]
    return StoreFacts(
        bytes={name: int(info[field]) for name, field in sizes.items() if field in info},
        states={
            "aof_enabled": has_aof,
            "persisting": all(info.get(name, "ok") == "ok" for name in went),
        },
        delayed_fsyncs=info.get("aof_delayed_fsync"),
        clients=info.get("connected_clients"),
    )
