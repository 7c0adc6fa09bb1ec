"""What one of each thing costs. Numbers are means of many, on one machine; see docs/capacity.md."""

from __future__ import annotations

from dataclasses import dataclass, fields


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


MEASURED = Costs(
    request=Cost(),
    accepted=Cost(),
    run=Cost(),
    told=Cost(),
    report=Cost(),
    notebook_s=Cost(),
    worker_s=Cost(),
    server_s=Cost(),
    queued_bytes=0,
    kept_bytes=0,
    socket_redis_bytes=0,
    socket_bytes=0,
    process_bytes=0,
)
