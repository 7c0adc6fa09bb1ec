"""Views that are not the log are found."""

from __future__ import annotations

import pytest

from chaos.checker import check
from chaos.facts import Abandoned, Began, CaughtUp, Entry, GapTold, Left, Logged, Received, Trimmed
from chaos.spoil import ADA, behind, changed, dropped, one, only, received, with_more


def test_a_hole_that_nobody_was_told_of_is_a_gap(history: list[Entry]) -> None:
    """It names the client and what is missing."""
    verdict = check(
        dropped(history, lambda entry: entry[1:] == ("late", received(5, "attempt_started", "a")))
    )
    assert one(verdict, "gaps") == (
        "late",
        f"late: {ADA}:6 (job_succeeded of job a) came after seq 4; 5 to 5 are missing, "
        "no gap was told",
    )


def test_a_gap_that_does_not_reach_far_enough_is_one(history: list[Entry]) -> None:
    """To be told of a part is not enough."""
    told = next(entry.fact for entry in history if isinstance(entry.fact, GapTold))
    about, seen = one(check(changed(history, told, seq=8)), "gaps")
    assert (about, "9 to 9 are missing" in seen) == ("early", True)


def test_a_view_that_begins_too_late_has_a_gap(history: list[Entry]) -> None:
    """It begins at the log's start, or where the client noted that it began."""
    verdict = check(dropped(history, lambda entry: entry[1:] == ("late", Began(epoch=ADA, seq=3))))
    about, seen = one(verdict, "gaps")
    assert (about, "1 to 3 are missing" in seen) == ("late", True)


def test_an_event_received_again_is_a_gap(history: list[Entry]) -> None:
    """At once or later."""
    event = received(5, "attempt_started", "a")
    about, seen = one(check(behind(history, event, "late", event)), "gaps")
    assert (about, "came again or too late, after seq 5" in seen) == ("late", True)


def test_events_out_of_order_are_a_gap(history: list[Entry]) -> None:
    """The later one is early, the earlier one is late."""
    first, then = received(5, "attempt_started", "a"), received(6, "job_succeeded", "a")
    history = behind(history, then, "late", first)
    index = next(n for n, entry in enumerate(history) if entry[1:] == ("late", first))
    del history[index]
    early, late = only(check(history), "gaps")
    assert "5 to 5 are missing" in early.seen
    assert "too late, after seq 6" in late.seen


def test_going_back_is_a_gap(history: list[Entry]) -> None:
    """A client never resumes before what it has read."""
    last = received(11, "job_succeeded", "d")
    about, seen = one(
        check(behind(history, last, "late", GapTold(epoch=ADA, seq=10), last)), "gaps"
    )
    assert (about, seen) == ("late", f"late: it went back from seq 11 to 10 of epoch {ADA}")


@pytest.mark.parametrize(
    "fields", [{"type": "job_failed"}, {"job": "b"}], ids=["another type", "another job"]
)
def test_an_event_that_is_not_the_logs_is_a_gap(
    history: list[Entry], fields: dict[str, str]
) -> None:
    """The place is right, what is there is not."""
    verdict = check(changed(history, received(6, "job_succeeded", "a"), **fields))
    assert [violation.about for violation in only(verdict, "gaps")] == ["early", "late"]
    assert verdict.gaps[0].seen.endswith("the log of ada has job_succeeded of job a there")


def test_an_event_that_was_never_logged_is_a_gap(history: list[Entry]) -> None:
    """Behind the log's end."""
    event = received(12, "progress_reported", "d")
    about, seen = one(check(with_more(history, "late", event)), "gaps")
    assert (about, seen.endswith("the log of ada has no such event")) == ("late", True)


def test_a_log_that_nobody_has_is_a_gap(history: list[Entry]) -> None:
    """Its epoch is unknown to the ledger."""
    verdict = check(with_more(history, "late", received(1, "job_submitted", "a", log="other")))
    assert one(verdict, "gaps") == (
        "late",
        "late: it received 1 events of epoch other, which no log has",
    )
    claimed = check(with_more(history, "late", CaughtUp(epoch="other")))
    assert "which no log has" in one(claimed, "gaps")[1]


def test_a_client_that_wrongly_holds_to_be_caught_up_has_a_gap(history: list[Entry]) -> None:
    """It stopped before the log's end; without the claim it is only behind."""
    behind = dropped(
        history, lambda entry: entry[1:] == ("late", received(11, "job_succeeded", "d"))
    )
    about, seen = one(check(behind), "gaps")
    assert about == "late"
    assert seen.endswith("ends at seq 10, the log of ada at 11")
    silent = dropped(behind, lambda entry: isinstance(entry.fact, CaughtUp))
    assert check(silent).violations == ()


def test_what_is_trimmed_cannot_be_compared(history: list[Entry]) -> None:
    """A client may have read what the log no longer has."""
    odd = changed(history, received(2, "attempt_started", "a"), type="another")
    assert [violation.about for violation in only(check(odd), "gaps")] == ["early"]
    left = dropped(
        odd, lambda e: isinstance(e.fact, Logged) and e.fact.epoch == ADA and e.fact.seq < 3
    )
    assert (
        check(with_more(left, "ledger", Trimmed(owner="ada", epoch=ADA, first_seq=3))).violations
        == ()
    )


@pytest.mark.parametrize("then", ["told", "not told", "left too late", "left before"])
def test_readers_of_a_log_that_was_given_up_must_be_told(then: str) -> None:
    """What they had read stands for other events now; who has left before is not asked."""
    entries = [
        Entry(1.0, "c", Began(epoch="old", seq=0)),
        Entry(2.0, "c", Received(epoch="old", seq=1, type="job_submitted", job="j")),
        *([Entry(3.0, "c", Left())] if then == "left before" else []),
        Entry(4.0, "fault", Abandoned(epoch="old")),
        *([Entry(5.0, "c", GapTold(epoch="new", seq=0))] if then == "told" else []),
        *([Entry(6.0, "c", Left())] if then == "left too late" else []),
    ]
    violations = check(entries).gaps
    is_right = then in ("told", "left before")
    assert [one.about for one in violations] == ([] if is_right else ["c"])
