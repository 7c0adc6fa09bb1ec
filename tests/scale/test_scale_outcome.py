"""What a run of `make scale` takes for broken."""

from __future__ import annotations

import pytest

from .outcome import Error, Outcome


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
