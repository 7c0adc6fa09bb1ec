"""How long jobs wait that come at random, before workers of different sizes; and as simulated."""

from __future__ import annotations

import json
import random
import statistics
import time
from dataclasses import dataclass

from waiting import wait_until

from taskkit.capacity import Station, simulate
from taskkit.ledger import JobRef

from .plant import Plant

MEAN_S = 0.2
BUSY = 0.7
"""Of the processes' time."""


@dataclass(frozen=True, slots=True)
class Waited:
    """Of one size."""

    slots: int
    measured_s: float
    #: On average, from submission to the first attempt.
    simulated_s: float


def waits(plant: Plant, sizes: tuple[int, ...], jobs: int) -> list[Waited]:
    """Return what was waited; what a job takes besides is learned at the first size."""
    found = []
    beside_s = on_way_s = 0.0
    #: What a job takes besides, in its process and on its way there.
    for slots in sizes:
        with plant.working(slots):
            came, ran, durations = _queued(plant, slots, jobs)
        begins = [began - at for (began, _), at in zip(ran, came, strict=True)]
        if not found:
            took = [end - began for began, end in ran]
            beside_s = statistics.median(t - d for t, d in zip(took, durations, strict=True))
            on_way_s = min(begins)
        served = [duration + beside_s for duration in durations]
        passed = simulate(came, [Station("slots", slots, served)])
        simulated = on_way_s + statistics.mean(passed.waits_s["slots"])
        found.append(Waited(slots, statistics.mean(begins), simulated))
    return found


def _queued(
    plant: Plant, slots: int, jobs: int
) -> tuple[list[float], list[tuple[float, float]], list[float]]:
    """Submit at random times; return when each came, when it ran, and how long it was to run."""
    dice = random.Random(slots)
    durations = [dice.expovariate(1 / MEAN_S) for _ in range(jobs)]
    server, _ = plant.servers[plant.ports[0]]
    refs, due = [], time.monotonic()
    for duration in durations:
        due += dice.expovariate(BUSY * slots / MEAN_S)
        time.sleep(max(0.0, due - time.monotonic()))
        job = {"task": "scale_rest", "arguments": {"seconds": duration}}
        answer = server.ask(
            "POST", "/jobs", json.dumps(job).encode(), Content_Type="application/json"
        )
        assert answer.status == 201, answer.data
        refs.append(JobRef("local", json.loads(answer.data)["id"]))
    wait_until(lambda: all(one and one.is_final for one in plant.ledger.records(refs)), 300)
    records = [one for one in plant.ledger.records(refs) if one is not None]
    came = [one.created_at / 1000 for one in records]
    ran = [((one.started_at or 0) / 1000, (one.finished_at or 0) / 1000) for one in records]
    return came, ran, durations
