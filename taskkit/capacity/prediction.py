"""What a load costs a plant, and which of its parts is the first that has no more to give."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .costs import Cost, Costs
from .plant import Load, Plant
from .queueing import mean_wait_s

FULL = 0.7
"""How busy a part may be before waiting grows without measure: M/M/1 then waits 2.3 services."""


@dataclass(frozen=True, slots=True)
class Wall:
    """A part, and how much of it is used."""

    part: str
    used: float
    most: float
    unit: str
    moved_by: str
    #: What gives it more room.

    @property
    def share(self) -> float:
        """1.0 is all of it."""
        return self.used / self.most if self.most else math.inf


@dataclass(frozen=True, slots=True)
class Prediction:
    """What comes of it."""

    walls: tuple[Wall, ...]
    #: The fullest first.
    per_s: Cost
    #: What is done in a second, in all places.
    wait_s: float
    #: How long a job waits for a free process, where jobs come at random.
    most_jobs_per_s: float
    #: Until the first of those parts that jobs fill is full.

    @property
    def first(self) -> Wall:
        """The part that is the fullest."""
        return self.walls[0]


def spent(load: Load, plant: Plant, costs: Costs) -> Cost:
    """Return what a second costs."""
    return of_job(load, costs) * load.jobs_per_s + standing(load, plant, costs)


def of_job(load: Load, costs: Costs) -> Cost:
    """Return what a job costs from its submission to its last event in the last notebook."""
    payload = Cost(
        # In and out of Redis once, and into its file, arguments and result together.
        to_redis_bytes=load.payload_bytes,
        from_redis_bytes=load.payload_bytes,
        aof_bytes=load.payload_bytes,
    )
    told = costs.told + costs.report * load.reports
    submitted = costs.request * (1 / load.batch) + costs.accepted
    return submitted + costs.run + told * load.readers + payload


def standing(load: Load, plant: Plant, costs: Costs) -> Cost:
    """Return what a second costs in which nobody submits anything."""
    return (
        costs.notebook_s * load.notebooks
        + costs.worker_s * plant.workers
        + costs.server_s * plant.server_processes
    )


def predict(load: Load, plant: Plant, costs: Costs) -> Prediction:
    """Return where a plant stands under a load."""
    per_s = spent(load, plant, costs)
    walls = _walls(load, plant, costs, per_s)
    return Prediction(
        walls=tuple(sorted(walls, key=lambda wall: -wall.share)),
        per_s=per_s,
        wait_s=mean_wait_s(plant.workers * plant.slots, load.jobs_per_s, load.job_s),
        most_jobs_per_s=_most(load, plant, costs),
    )


def _most(load: Load, plant: Plant, costs: Costs) -> float:
    """Return at which rate the first part is full that is filled by jobs, others unchanged."""
    still = {wall.part: wall for wall in _walls_at(load, plant, costs, 0.0)}
    most = math.inf
    for wall in _walls_at(load, plant, costs, 1.0):
        a_job = wall.used - still[wall.part].used
        if a_job > 0:
            most = min(most, max(0.0, wall.most - still[wall.part].used) / a_job)
    return most


def _walls_at(load: Load, plant: Plant, costs: Costs, jobs_per_s: float) -> list[Wall]:
    at = replace(load, jobs_per_s=jobs_per_s)
    return _walls(at, plant, costs, spent(at, plant, costs))


def _walls(load: Load, plant: Plant, costs: Costs, per_s: Cost) -> list[Wall]:
    here_us = per_s.redis_us + per_s.server_us + per_s.proxy_us
    if plant.shares_with_workers:
        here_us += per_s.worker_us
    clients = (
        costs.socket_clients * load.notebooks
        + (costs.worker_clients + costs.slot_clients * plant.slots) * plant.workers
    )
    memory = (
        costs.queued_bytes * load.queued
        + (costs.kept_bytes + load.payload_bytes) * load.jobs_per_s * load.kept_s
        + costs.socket_redis_bytes * clients
        + load.payload_bytes * load.queued
    )
    return [
        Wall(
            "Redis' one thread",
            per_s.redis_us / 1e6,
            FULL,
            "cores",
            "fewer, longer jobs: `map` and chunks; jobs that report less; fewer connected readers. "
            "Several ledgers, by user, are not built",
        ),
        Wall(
            "server processes",
            per_s.server_us / 1e6,
            FULL * plant.server_processes,
            "cores",
            "`server.processes`, more servers behind nginx; several jobs a request",
        ),
        Wall("cores", here_us / 1e6, float(plant.cores), "cores", "another machine for a part"),
        Wall(
            "workers' processes",
            load.jobs_per_s * load.job_s + per_s.worker_us / 1e6,
            float(plant.workers * plant.slots),
            "busy",
            "more workers, or more processes each",
        ),
        Wall(
            "sockets",
            float(load.notebooks),
            float(plant.sockets_per_process * plant.server_processes),
            "open",
            "`server.max_sockets` with `server.threads`, `server.processes`, more servers",
        ),
        Wall(
            "Redis' clients", clients, float(plant.redis_clients), "open", "`maxclients` of Redis"
        ),
        Wall(
            "Redis' memory",
            memory,
            plant.redis_bytes,
            "bytes",
            "`server.retention_days`; large results are blobs; more memory",
        ),
        Wall(
            "disk",
            per_s.aof_bytes,
            plant.disk_bytes_per_s,
            "bytes/s",
            "`appendfsync everysec`; a faster disk",
        ),
    ]
