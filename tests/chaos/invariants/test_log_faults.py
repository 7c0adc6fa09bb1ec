"""Logs that are not whole are found."""

from __future__ import annotations

import pytest

from chaos.checker import check
from chaos.facts import Entry, Logged, Trimmed
from chaos.spoil import ADA, BOB, attempts, dropped, logged, one, only, with_more


def test_a_log_with_a_hole_is_at_fault(history: list[Entry]) -> None:
    """A client that received what is missing is in the right, and still cannot be confirmed."""
    verdict = check(
        dropped(history, lambda entry: entry.fact == logged(3, "progress_reported", "a"))
    )
    assert [violation.seen for violation in verdict.log_faults] == [
        f"the log of ada (epoch {ADA}) has no seq 3 to 3"
    ]
    assert [violation.about for violation in verdict.gaps] == ["early"]


def test_a_log_with_a_number_twice_is_at_fault(history: list[Entry]) -> None:
    """Two events cannot have one place."""
    verdict = check(with_more(history, "ledger", logged(3, "progress_reported", "a")))
    assert one(verdict, "log_faults") == ("ada", f"the log of ada (epoch {ADA}) has seq 3 twice")


@pytest.mark.parametrize(
    ("first_seq", "seen"),
    [(1, ["has no seq 1 to 1"]), (2, []), (3, ["has seq 2, though it begins at 3"])],
)
def test_a_log_begins_at_1_or_where_it_was_trimmed(first_seq: int, seen: list[str]) -> None:
    """Not later, not sooner."""
    history = attempts(("attempt_started", 1), ("progress_reported", 0))[1:]
    if first_seq > 1:
        history.append(Entry(0.0, "ledger", Trimmed(owner="ada", epoch=ADA, first_seq=first_seq)))
    faults = [violation.seen for violation in only(check(history), "log_faults")]
    assert faults == [f"the log of ada (epoch {ADA}) {one}" for one in seen]


def test_two_logs_of_one_epoch_are_at_fault(history: list[Entry]) -> None:
    """A cursor could not tell them apart."""
    twin = Logged(owner="eve", epoch=BOB, seq=1, type="job_submitted", job="c")
    verdict = check([Entry(0.0, "ledger", twin), *history])
    assert [violation.seen for violation in verdict.log_faults] == [
        f"the logs of eve and bob are both {BOB}"
    ]
