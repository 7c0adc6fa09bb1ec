"""Waiting: against published values, and the simulation against the formulas."""

from __future__ import annotations

import random
import statistics

import pytest

from taskkit.capacity import Station, erlang_c, mean_wait_s, simulate


@pytest.mark.parametrize(
    ("servers", "offered", "waits"),
    # Source: Kleinrock, Queueing Systems I (1975), and tables of Erlang's C formula.
    [(1, 0.5, 0.5), (2, 1.0, 0.3333), (10, 8.0, 0.4092), (5, 4.0, 0.5541), (20, 16.0, 0.2561)],
)
def test_erlangs_formula_gives_the_published_values(
    servers: int, offered: float, waits: float
) -> None:
    """To three digits."""
    assert erlang_c(servers, offered) == pytest.approx(waits, abs=1e-3)


def test_more_than_can_be_done_waits_for_ever() -> None:
    """And everybody waits."""
    assert erlang_c(4, 4.0) == 1.0
    assert mean_wait_s(4, 4.1, 1.0) == float("inf")


def test_ten_thousand_servers_are_no_trouble() -> None:
    """The textbook's sum of powers and factorials would overflow long before."""
    assert 0 < erlang_c(10_000, 9_900.0) < 1


def poisson(per_s: float, number: int, dice: random.Random) -> list[float]:
    """Return times at random."""
    at, times = 0.0, []
    for _ in range(number):
        at += dice.expovariate(per_s)
        times.append(at)
    return times


@pytest.mark.parametrize("servers", [1, 2, 8])
def test_the_simulation_agrees_with_the_formula(servers: int) -> None:
    """Where arrivals and durations are random: within 10 % for 200,000 jobs."""
    dice, mean_s = random.Random(servers), 0.5
    per_s = 0.8 * servers / mean_s
    arrivals = poisson(per_s, 200_000, dice)
    services = [dice.expovariate(1 / mean_s) for _ in arrivals]
    passed = simulate(arrivals, [Station("slots", servers, services)])
    found = statistics.mean(passed.waits_s["slots"])
    assert found == pytest.approx(mean_wait_s(servers, per_s, mean_s), rel=0.1)
    assert passed.busy["slots"] == pytest.approx(0.8, abs=0.02)


def test_jobs_pass_stations_in_turn() -> None:
    """By hand: two jobs at once, one server, then two."""
    stations = [Station("redis", 1, [1.0]), Station("slots", 2, [5.0])]
    passed = simulate([0.0, 0.0], stations)
    assert passed.ended_at == [6.0, 7.0]
    assert passed.waits_s == {"redis": [0.0, 1.0], "slots": [0.0, 0.0]}


def test_a_station_that_comes_twice_is_the_same_one() -> None:
    """A server accepts jobs and tells of their ends: what it does for one, others wait for."""
    stations = [
        Station("server", 1, [1.0]),
        Station("slots", 9, [0.5]),
        Station("server", 1, [1.0]),
    ]
    passed = simulate([0.0, 0.1], stations)
    # The first is told at 2 to 3, when the second, accepted from 1 to 2, is in a slot.
    assert passed.ended_at == [3.0, 4.0]
