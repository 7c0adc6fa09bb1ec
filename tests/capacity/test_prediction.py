"""Where a plant ends: each part is the first wall of some load, and what moves it does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from taskkit.capacity import MEASURED, Cost, Load, Plant, predict

SMALL = Load(jobs_per_s=1, job_s=1.0, notebooks=10)
ROOMY = Plant(
    workers=100,
    slots=10,
    server_processes=16,
    cores=32,
    sockets_per_process=1000,
    redis_bytes=1e12,
    redis_clients=100_000,
)


def test_costs_add_up() -> None:
    """Two things cost what both cost."""
    one = Cost(redis_us=1.0, server_us=2.0)
    assert (one + one * 2).as_dict()["server_us"] == 6.0
    assert (one - one * 2).least() == Cost()


@pytest.mark.parametrize(
    ("part", "load", "plant", "moved"),
    [
        (
            "workers' processes",
            replace(SMALL, jobs_per_s=90, job_s=12.0),
            ROOMY,
            {"workers": 1000},
        ),
        (
            "Redis' one thread",
            replace(SMALL, jobs_per_s=1200, job_s=0.01),
            replace(ROOMY, server_processes=100, cores=2000),
            None,
        ),
        (
            "server processes",
            replace(SMALL, jobs_per_s=200, job_s=0.01, readers=3),
            replace(ROOMY, server_processes=1),
            {"server_processes": 8},
        ),
        ("sockets", replace(SMALL, notebooks=1600), replace(ROOMY, sockets_per_process=96), None),
        (
            "Redis' clients",
            replace(SMALL, notebooks=11_000),
            replace(ROOMY, redis_clients=10_000, server_processes=40),
            {"redis_clients": 50_000},
        ),
        (
            "Redis' memory",
            replace(SMALL, jobs_per_s=100, job_s=0.1),
            replace(ROOMY, redis_bytes=2e9),
            {"redis_bytes": 1e12},
        ),
    ],
)
def test_the_first_wall_is_what_is_full(
    part: str, load: Load, plant: Plant, moved: dict[str, float] | None
) -> None:
    """And more of it moves it away, where there can be more of it."""
    found = predict(load, plant, MEASURED)
    assert found.first.part == part
    assert found.first.share > 0.9
    if moved is not None:
        assert predict(load, replace(plant, **moved), MEASURED).first.part != part


def test_the_most_is_where_the_first_wall_is_full() -> None:
    """At that rate its share is 1, whichever it is."""
    most = predict(SMALL, ROOMY, MEASURED).most_jobs_per_s
    at_most = predict(replace(SMALL, jobs_per_s=most), ROOMY, MEASURED)
    filled = [wall.share for wall in at_most.walls if wall.part != "sockets"]
    assert max(filled) == pytest.approx(1.0)


def test_jobs_that_go_together_cost_less() -> None:
    """A request is paid once for all of them."""
    alone = predict(SMALL, ROOMY, MEASURED).per_s
    together = predict(replace(SMALL, batch=50), ROOMY, MEASURED).per_s
    assert together.server_us < alone.server_us
