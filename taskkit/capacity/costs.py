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
    #: A server's process, for a second: the sweeper.
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
        redis_us=680,
        redis_commands=14,
        to_redis_bytes=810,
        from_redis_bytes=480,
        aof_bytes=150,
        server_us=4500,
        proxy_us=260,
    ),
    accepted=Cost(
        redis_us=61,
        redis_commands=20,
        to_redis_bytes=760,
        from_redis_bytes=490,
        aof_bytes=1700,
        server_us=140,
    ),
    run=Cost(
        redis_us=840,
        redis_commands=51,
        to_redis_bytes=650,
        from_redis_bytes=290,
        aof_bytes=3200,
        worker_us=4500,
    ),
    told=Cost(
        redis_us=70,
        redis_commands=2.9,
        to_redis_bytes=240,
        from_redis_bytes=480,
        server_us=1170,
        proxy_us=85,
    ),
    report=Cost(
        redis_us=380,
        redis_commands=13,
        to_redis_bytes=430,
        from_redis_bytes=300,
        aof_bytes=360,
        server_us=900,
        proxy_us=81,
        worker_us=620,
    ),
    notebook_s=Cost(
        redis_us=26,
        redis_commands=0.5,
        to_redis_bytes=100,
        from_redis_bytes=190,
        server_us=220,
        proxy_us=13,
    ),
    # A beat of 200 us and a wait of 190, each once in five seconds.
    worker_s=Cost(redis_us=78, redis_commands=1.6, aof_bytes=30, worker_us=3300),
    server_s=Cost(redis_us=600, redis_commands=12, to_redis_bytes=510, server_us=1700),
    queued_bytes=1500,
    kept_bytes=1300,
    socket_redis_bytes=3800,
    socket_bytes=201_000,
    process_bytes=67e6,
    worker_clients=5.0,
    slot_clients=1.0,
)
"""By `make scale`; docs/capacity.md says on which machine."""
