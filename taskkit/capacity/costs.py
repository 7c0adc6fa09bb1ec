"""What one of each thing costs. Numbers are means of many, on one machine; see docs/capacity.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one thing, in each place. CPU times are in µs."""

    redis_us: float = 0.0
    #: Of Redis' main thread, scripts and what it takes to read and answer.
    redis_commands: float = 0.0
    to_redis_bytes: float = 0.0
    from_redis_bytes: float = 0.0
    aof_bytes: float = 0.0
    #: Written to the append-only file.
    server_us: float = 0.0
    proxy_us: float = 0.0
    worker_us: float = 0.0
    #: Above what the user's code takes.

    def __add__(self, other: Cost) -> Cost:
        return Cost(**{name: getattr(self, name) + getattr(other, name) for name in NAMES})

    def __sub__(self, other: Cost) -> Cost:
        return self + other * -1.0

    def __mul__(self, times: float) -> Cost:
        return Cost(**{name: getattr(self, name) * times for name in NAMES})

    def least(self) -> Cost:
        """Return the same with nothing below zero, which noise may have made of a difference."""
        return Cost(**{name: max(0.0, getattr(self, name)) for name in NAMES})

    def as_dict(self) -> dict[str, float]:
        """Return the numbers by their names."""
        return {name: getattr(self, name) for name in NAMES}


NAMES = tuple(one.name for one in fields(Cost))


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Of everything that the model knows of."""

    request: Cost
    #: A `POST /jobs`, besides its jobs.
    accepted: Cost
    #: A job in it.
    run: Cost
    #: A job claimed, begun and finished, where others wait behind it.
    told: Cost
    #: All that happens to a job, brought to one notebook.
    report: Cost
    #: A write of an attempt in between, brought to one notebook.
    notebook_s: Cost
    #: A notebook that is connected, for a second.
    worker_s: Cost
    #: A worker, for a second, whatever it does: beats.
    server_s: Cost
    #: A server's process, for a second: the sweeper, and what its first notebooks cost more.
    queued_bytes: float
    #: Memory in Redis of a job that waits.
    kept_bytes: float
    #: Of one that has ended, with its events.
    socket_redis_bytes: float
    #: Of a socket's connection to Redis.
    socket_bytes: float
    #: Memory of a socket in the server.
    process_bytes: float
    #: Of a server's process without any.
    socket_clients: float = 1.0
    #: Connections to Redis that a socket holds.
    worker_clients: float = 3.0
    #: A worker's main process.
    slot_clients: float = 2.0
    #: Each of its processes.


def costs_of(told: Mapping[str, Any]) -> Costs:
    """Return what `dataclasses.asdict` made of costs; `make scale` saves it so."""
    parts: dict[str, Any] = {
        name: Cost(**x) if isinstance(x, Mapping) else x for name, x in told.items()
    }
    return Costs(**parts)


MEASURED = Costs(
    request=Cost(
        redis_us=720,
        redis_commands=15,
        to_redis_bytes=770,
        from_redis_bytes=370,
        aof_bytes=110,
        server_us=4400,
        proxy_us=230,
    ),
    accepted=Cost(
        redis_us=130,
        redis_commands=20,
        to_redis_bytes=770,
        from_redis_bytes=500,
        aof_bytes=1800,
        server_us=270,
    ),
    run=Cost(
        redis_us=1100,
        redis_commands=40,
        to_redis_bytes=540,
        from_redis_bytes=210,
        aof_bytes=3000,
        worker_us=1400,
    ),
    told=Cost(
        redis_us=44,
        redis_commands=9.6,
        to_redis_bytes=460,
        from_redis_bytes=520,
        server_us=1000,
        proxy_us=53,
    ),
    report=Cost(
        redis_us=380,
        redis_commands=8,
        to_redis_bytes=290,
        from_redis_bytes=270,
        aof_bytes=380,
        server_us=700,
        proxy_us=52,
        worker_us=800,
    ),
    notebook_s=Cost(
        redis_us=19,
        redis_commands=0.42,
        to_redis_bytes=110,
        from_redis_bytes=180,
        server_us=190,
        proxy_us=20,
    ),
    worker_s=Cost(
        redis_us=52,
        redis_commands=2.4,
        to_redis_bytes=60,
        from_redis_bytes=5.5,
        aof_bytes=42,
        worker_us=1500,
    ),
    server_s=Cost(
        redis_us=1200,
        redis_commands=11,
        to_redis_bytes=710,
        from_redis_bytes=970,
        server_us=3800,
        proxy_us=400,
    ),
    queued_bytes=1600,
    kept_bytes=1700,
    socket_redis_bytes=3800,
    socket_bytes=220_000,
    process_bytes=69e6,
    worker_clients=4,
    slot_clients=2,
)
"""By `make scale`; docs/capacity.md says on which machine."""
