"""Jobs with more or other ends than one are found."""

from __future__ import annotations

from chaos.checker import check
from chaos.facts import Accepted, CaughtUp, Entry, Finished, Kept, Trimmed
from chaos.spoil import ADA, changed, dropped, logged, one, only, with_more


def test_two_final_events_are_doubled(history: list[Entry]) -> None:
    """The log is otherwise as it should be."""
    history = with_more(history, "ledger", logged(12, "job_failed", "d"))
    history = dropped(history, lambda entry: isinstance(entry.fact, CaughtUp))
    assert one(check(history), "doubled") == (
        "d",
        f"job d has 2 final events: job_succeeded at {ADA}:11, job_failed at {ADA}:12",
    )


def test_a_future_concluded_twice_is_doubled(history: list[Entry]) -> None:
    """Even with the same outcome."""
    verdict = check(with_more(history, "late", Finished(job="d", state="succeeded")))
    assert one(verdict, "doubled") == ("d", "job d was concluded 2 times for late")


def test_a_key_with_two_jobs_is_doubled(history: list[Entry]) -> None:
    """Whoever was told."""
    verdict = check(with_more(history, "late", Accepted(key="key of a", job="d")))
    assert one(verdict, "doubled") == (
        "key of a",
        "key key of a was accepted as job a (told to early) and job d (told to late)",
    )


def test_a_key_accepted_twice_as_the_same_job_is_fine(history: list[Entry]) -> None:
    """The first reply was lost."""
    assert check(with_more(history, "late", Accepted(key="key of d", job="d"))).violations == ()


def test_a_log_that_ends_otherwise_than_the_record_is_doubled(history: list[Entry]) -> None:
    """The client saw what the log says; both are named."""
    kept = Kept(owner="ada", job="d", state="succeeded", attempt=1)
    verdict = check(changed(history, kept, state="failed"))
    assert [violation.seen for violation in only(verdict, "doubled")] == [
        f"job d is failed in its record, its log has job_succeeded at {ADA}:11",
        "job d is failed in its record, succeeded for late",
    ]


def test_a_final_record_without_a_final_event_is_doubled(history: list[Entry]) -> None:
    """Unless the log's beginning is gone, and perhaps the event with it."""
    odd = with_more(history, "ledger", Kept(owner="ada", job="x", state="failed", attempt=1))
    assert one(check(odd), "doubled") == (
        "x",
        "job x is failed in its record, its log has no end",
    )
    gone = dropped(odd, lambda entry: entry.fact == logged(1, "job_submitted", "a"))
    assert (
        check(with_more(gone, "ledger", Trimmed(owner="ada", epoch=ADA, first_seq=2))).violations
        == ()
    )


def test_a_client_that_saw_another_end_than_the_record_is_doubled(history: list[Entry]) -> None:
    """The ledger is at one with itself."""
    verdict = check(changed(history, Finished(job="d", state="succeeded"), state="failed"))
    assert one(verdict, "doubled") == ("d", "job d is succeeded in its record, failed for late")
