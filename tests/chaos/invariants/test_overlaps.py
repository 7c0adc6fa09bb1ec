"""Attempts that were valid at once, or counted wrongly, are found."""

from __future__ import annotations

import pytest

from chaos.checker import check
from chaos.invariants.overlaps import ENDS
from chaos.spoil import ADA, attempts, one


def test_a_second_attempt_beside_the_first_overlaps() -> None:
    """Nothing ended the first."""
    history = attempts(("attempt_started", 1), ("progress_reported", 0), ("attempt_started", 2))
    assert one(check(history), "overlaps") == (
        "a",
        f"job a: attempt 2 began at {ADA}:4 while attempt 1 (seq 2) was valid",
    )


@pytest.mark.parametrize("end", sorted(ENDS))
def test_an_attempt_after_the_end_of_another_is_fine(end: str) -> None:
    """Lost, or to be tried again."""
    assert check(attempts(("attempt_started", 1), (end, 1), ("attempt_started", 2))).overlaps == ()


def test_a_lost_attempt_is_one_that_ended() -> None:
    """The events that end one are taken from the protocol's table; this one is surely there."""
    assert "attempt_lost" in ENDS
    assert "progress_reported" not in ENDS


def test_the_end_of_an_older_attempt_does_not_end_the_valid_one() -> None:
    """Two are valid when the third begins, not one."""
    history = attempts(
        ("attempt_started", 1),
        ("attempt_lost", 1),
        ("attempt_started", 2),
        ("attempt_lost", 1),
        ("attempt_started", 3),
    )
    about, seen = one(check(history), "overlaps")
    assert (about, "while attempt 2 (seq 4) was valid" in seen) == ("a", True)


@pytest.mark.parametrize("number", [1, 2])
def test_attempts_are_counted_upwards(number: int) -> None:
    """The number is the token that fences older ones: it may not come again."""
    history = attempts(("attempt_started", 2), ("attempt_lost", 2), ("attempt_started", number))
    about, seen = one(check(history), "overlaps")
    assert (about, seen) == (
        "a",
        f"job a: attempt {number} began at {ADA}:4 after attempt 2 had begun",
    )


def test_no_attempt_begins_after_the_end() -> None:
    """A final job stays final."""
    history = attempts(("attempt_started", 1), ("job_cancelled", 0), ("attempt_started", 2))
    about, seen = one(check(history), "overlaps")
    assert (about, seen.endswith("after job_cancelled (seq 3)")) == ("a", True)
