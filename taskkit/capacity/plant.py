"""What is asked of a stack, and what it consists of."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What users do, on average."""

    jobs_per_s: float
    job_s: float
    #: How long a job runs.
    notebooks: int = 1
    #: Connected at once; pages count like notebooks.
    readers: float = 1.0
    #: How many of them hear of a job: those of the user who submitted it.
    reports: float = 0.0
    #: Writes of an attempt between its begin and its end: progress, output, curves. Ten a second at
    #: most.
    batch: float = 1.0
    #: Jobs in a request; a `map` sends many at once.
    queued: int = 0
    #: Jobs that wait.
    kept_s: float = 7 * 86_400.0
    #: For how long final jobs are kept.
    payload_bytes: int = 0
    #: Of a job's arguments and result, above those of a job that does nothing.


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """What serves them."""

    workers: int = 1
    #: Main processes; each renews its leases by itself.
    slots: int = 2
    #: Processes that run jobs, in each of them.
    server_processes: int = 1
    #: Of all servers together. Each is one interpreter, so it can use one core.
    cores: int = 2
    #: That servers, proxy and Redis share; jobs have theirs elsewhere.
    shares_with_workers: bool = False
    #: Whether the workers' own work, without the jobs', is on those cores, too.
    sockets_per_process: int = 96
    #: `server.max_sockets`.
    redis_bytes: float = 2e9
    #: What Redis may take.
    redis_clients: int = 10_000
    #: Its `maxclients`.
    disk_bytes_per_s: float = 100e6
    #: What the disk below the append-only file writes.
