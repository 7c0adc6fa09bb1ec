"""The worst recovery is measured from the right end to the right news."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pytest

from chaos.checker import check
from chaos.facts import Accepted, Entry, Fact, FaultBegan, FaultEnded, Finished
from chaos.spoil import received


def timed(*facts: tuple[float, str, Fact]) -> Iterable[Entry]:
    """Return entries."""
    return [Entry(*fact) for fact in facts]


ACCEPTED = (0.0, "c", Accepted(key="k", job="a"))
NEWS = received(1, "job_submitted", "a")
DONE = Finished(job="a", state="succeeded")


def test_recovery_is_from_the_faults_end_to_the_first_news() -> None:
    """What was heard during the fault, and what comes later, does not count."""
    history = timed(
        ACCEPTED,
        (1.0, "fault", FaultBegan(name="f")),
        (2.0, "c", NEWS),
        (3.0, "fault", FaultEnded(name="f")),
        (3.5, "c", NEWS),
        (9.0, "c", DONE),
    )
    assert check(history).worst_recovery_s == 0.5


def test_a_conclusion_is_news() -> None:
    """A job may end by a reply, without an event."""
    history = timed(ACCEPTED, (1.0, "fault", FaultEnded(name="f")), (3.0, "c", DONE))
    assert check(history).worst_recovery_s == 2.0


def test_the_worst_of_several_faults_counts() -> None:
    """In whatever order they came, also in the record."""
    history = timed(
        ACCEPTED,
        (1.0, "fault", FaultEnded(name="f")),
        (3.0, "c", NEWS),
        (4.0, "fault", FaultEnded(name="g")),
        (5.0, "c", NEWS),
    )
    assert check(history).worst_recovery_s == 2.0
    assert check(reversed(list(history))).worst_recovery_s == 2.0


def test_a_fault_counts_when_no_other_lasts() -> None:
    """Nobody can be expected to recover before."""
    history = timed(
        ACCEPTED,
        (1.0, "fault", FaultBegan(name="f")),
        (1.5, "fault", FaultBegan(name="g")),
        (2.0, "fault", FaultEnded(name="f")),
        (5.0, "fault", FaultEnded(name="g")),
        (6.0, "c", NEWS),
    )
    assert check(history).worst_recovery_s == 1.0


@pytest.mark.parametrize(
    "facts", [(), (ACCEPTED, (0.5, "c", DONE)), ((0.4, "c", DONE), (0.5, *ACCEPTED[1:]))]
)
def test_nothing_outstanding_is_no_recovery(facts: tuple[tuple[float, str, Fact], ...]) -> None:
    """Nobody waited for anything."""
    history = timed(*facts, (1.0, "fault", FaultEnded(name="f")), (7.0, "c", NEWS))
    assert check(history).worst_recovery_s is None


def test_a_fault_without_any_news_after_it_never_ends() -> None:
    """The job is lost, and the number says so too."""
    assert check(timed(ACCEPTED, (1.0, "fault", FaultEnded(name="f")))).worst_recovery_s == math.inf
