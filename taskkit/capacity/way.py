"""A job's way through a plant as stations, for `simulate`."""

from __future__ import annotations

from collections.abc import Sequence

from .costs import Costs
from .plant import Load, Plant
from .prediction import standing
from .queueing import Station


def stations(load: Load, plant: Plant, costs: Costs, durations_s: Sequence[float]) -> list[Station]:
    """Return where a job passes: server, Redis, a worker's process, Redis, server.

    What is done beside the jobs, such as beats, takes its share of Redis and servers: what is left
    makes each service longer.
    """
    beside = standing(load, plant, costs)
    redis_left = max(0.01, 1 - beside.redis_us / 1e6)
    servers_left = max(0.01, 1 - beside.server_us / 1e6 / plant.server_processes)
    submitted = costs.request * (1 / load.batch) + costs.accepted
    told = (costs.told + costs.report * load.reports) * load.readers

    def redis(us: float) -> Station:
        return Station("Redis", 1, [us / 1e6 / redis_left])

    def server(us: float) -> Station:
        return Station("servers", plant.server_processes, [us / 1e6 / servers_left])

    own_s = costs.run.worker_us / 1e6
    slots = plant.workers * plant.slots
    return [
        server(submitted.server_us),
        redis(submitted.redis_us),
        Station("workers", slots, [duration + own_s for duration in durations_s]),
        redis(costs.run.redis_us + told.redis_us),
        server(told.server_us),
    ]
