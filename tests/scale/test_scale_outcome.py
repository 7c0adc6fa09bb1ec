"""What a run of `make scale` takes for broken."""

from __future__ import annotations

import math

import pytest

from .outcome import Error, Outcome
from .reading import Reading


def test_a_bound_that_is_passed_is_broken() -> None:
    """One that is just reached is not."""
    outcome = Outcome()
    outcome.hold("holes", 0, 0)
    assert outcome.broken == []
    outcome.hold("bytes", 2049, 2048)
    assert outcome.broken == ["bytes: 2,049.0, at most 2,048.0"]


@pytest.mark.parametrize(
    ("foretold", "is_judged", "is_broken"),
    [(119, True, False), (121, True, True), (79, True, True), (300, False, False)],
)
def test_a_prediction_may_be_a_fifth_off(foretold: float, is_judged: bool, is_broken: bool) -> None:
    """Either way; what is told from no noise is shown and not judged."""
    outcome = Outcome(errors=[Error("small", "commands", foretold, 100, is_judged)])
    assert bool(outcome.broken) is is_broken
    assert f"| {foretold} |" in outcome.text()


def test_cpu_times_are_compared_at_one_pace() -> None:
    """Of a machine that was half as fast, half of its CPU time counts; what is counted stays."""
    cpu_s = {"server": 4.0, "proxy": 1.0, "worker": 2.0}
    counted = {"cpu_s": 6.0, "commands": 100.0, "in": 1.0, "out": 1.0, "aof": 1.0}
    slow = Reading(10.0, cpu_s, counted, rounds=20, rounds_s=0.04)
    assert slow.round_s == pytest.approx(0.002)
    assert slow.cost().server_us == pytest.approx(4e6)
    assert slow.cost(0.001).server_us == pytest.approx(2e6)
    assert slow.cost(0.001).redis_us == pytest.approx(3e6)
    assert slow.cost(0.001).redis_commands == 100
    brief = Reading(0.01, cpu_s, counted)
    assert math.isnan(brief.round_s)
    assert brief.cost(0.001).server_us == pytest.approx(4e6)
