"""What the costs foretell of plants that are not here: 10,000 workers, 1e8 jobs a day."""

from __future__ import annotations

import random
import statistics
from dataclasses import replace

from taskkit.capacity import Costs, Load, Plant, predict, simulate, stations

from .outcome import Table, number

DAY_S = 86_400.0
SIMULATED = 20_000

PER_DAY = (1e6, 1e7, 3e7, 1e8)

MANY = Plant(
    workers=10_000,
    slots=1,
    server_processes=32,
    cores=64,
    sockets_per_process=320,
    redis_bytes=64e9,
    redis_clients=65_536,
)
"""As many servers as nginx likes, one Redis, and workers on machines of their own."""

FEW = replace(MANY, workers=625, slots=16)
"""The same with as many processes in fewer workers, of which each beats once for all of its own."""


def horizon(costs: Costs) -> list[Table]:
    """Return the tables: what is full first, and how long a job is on its way as it fills."""
    way = Table(
        f"Simulated, {_named(FEW)}: a job's time on its way, besides its own",
        [
            "jobs a day",
            "mean, ms",
            "p95, ms",
            "Redis busy, %",
            "servers busy, %",
            "workers busy, %",
        ],
    )
    for per_day in PER_DAY:
        way.rows.append([f"{per_day:.0e}", *_on_its_way(_load(per_day), costs)])
    return [_walls(MANY, costs), _walls(FEW, costs), way]


def _walls(plant: Plant, costs: Costs) -> Table:
    table = Table(
        f"Foretold: {_named(plant)}, 1,000 notebooks, jobs kept for a day",
        ["jobs a day", "first", "%", "second", "%", "third", "%", "most jobs a s"],
    )
    for per_day in PER_DAY:
        found = predict(_load(per_day), plant, costs)
        told = [f"{per_day:.0e}"]
        for wall in found.walls[:3]:
            told += [wall.part, f"{100 * wall.share:.0f}"]
        table.rows.append([*told, number(found.most_jobs_per_s)])
    return table


def _named(plant: Plant) -> str:
    return f"{plant.workers:,} workers of {plant.slots}"


def _load(per_day: float) -> Load:
    per_s = per_day / DAY_S
    return Load(
        jobs_per_s=per_s,
        job_s=0.7 * MANY.workers * MANY.slots / per_s,
        notebooks=1_000,
        readers=2,
        batch=50,
        queued=100_000,
        kept_s=DAY_S,
    )


def _on_its_way(load: Load, costs: Costs) -> list[str]:
    dice = random.Random(0)
    # Short jobs on as many workers as they keep busy: what is looked at is the way to them.
    job_s = min(load.job_s, 1.0)
    slots = max(1, round(load.jobs_per_s * job_s / 0.7))
    plant = replace(FEW, workers=slots, slots=1)
    at, arrivals, durations = 0.0, [], []
    for _ in range(SIMULATED):
        at += dice.expovariate(load.jobs_per_s)
        arrivals.append(at)
        durations.append(dice.expovariate(1 / job_s))
    # Those that are not simulated beat as well.
    beside = costs.worker_s * (FEW.workers / slots)
    passed = simulate(arrivals, stations(load, plant, replace(costs, worker_s=beside), durations))
    ways = sorted(
        1000 * (end - begin - own)
        for end, begin, own in zip(passed.ended_at, arrivals, durations, strict=True)
    )
    busy = (f"{100 * passed.busy[name]:.0f}" for name in ("Redis", "servers", "workers"))
    return [f"{statistics.mean(ways):,.1f}", f"{ways[int(0.95 * len(ways))]:,.1f}", *busy]
