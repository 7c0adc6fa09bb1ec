"""What a job's options change: retries, time limits, sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskkit.ledger import JobFilter, JobRef, Lease, Ledger, StoredResult, Write
from taskkit.protocol.events import (
    AttemptFailed,
    AttemptReturned,
    Event,
    JobFailed,
    JobSucceeded,
)
from taskkit.protocol.jobs import AttemptEnd, ErrorInfo, JobRecord, JobState, ResultInfo
from taskkit.protocol.options import TIMED_OUT, JobOptions
from taskkit.protocol.spec import MAX_ATTEMPTS, JobSpec

Submit = Callable[..., JobRef]
Start = Callable[..., Lease]
Advance = Callable[[float], None]
Events = Callable[..., list[Event]]

FAILURE = JobFailed(error=ErrorInfo(type="ValueError", message="no\nand more", traceback="Tr…"))
SUCCESS = JobSucceeded(result=ResultInfo(media_type="application/json", size_bytes=1))
PICKLED = StoredResult(media_type="application/vnd.taskkit.pickle", body=b"\x80")

quick = pytest.mark.parametrize("timings", [{"first_retry_s": 0.05}], ids=["waits of 0.05 s"])
killed = pytest.mark.parametrize("timings", [{"kill_grace_s": 0.05}], ids=["grace of 0.05 s"])


def now(ledger: Ledger, ref: JobRef) -> JobRecord:
    """Return the job's record, which is there."""
    record = ledger.job(ref)
    assert record is not None
    return record


def test_a_job_is_listed_and_claimed_with_its_options(ledger: Ledger, submit: Submit) -> None:
    """All of them come back as they were given."""
    options = JobOptions(
        name="mine",
        session="a/b ü.ipynb",
        retries=2,
        retry_on=("ValueError",),
        timeout_s=1.5,
        memory_mib=64,
    )
    ref = submit(options=options)
    assert now(ledger, ref).options == options
    claim = ledger.claim(ref, worker="w1", pid=1)
    assert claim is not None
    assert claim.spec.options == options


def test_other_options_under_the_same_key_are_the_same_job(ledger: Ledger) -> None:
    """A cell that is run again with a longer timeout finds its job."""
    [first] = ledger.submit("ada", [("k", JobSpec(task="demo"))])
    again = JobSpec(task="demo", options=JobOptions(timeout_s=9, session="moved.ipynb"))
    [known] = ledger.submit("ada", [("k", again)])
    assert (known.is_new, known.record.id) == (False, first.record.id)


@quick
def test_a_failure_is_tried_again_after_a_wait(
    ledger: Ledger, submit: Submit, start: Start, events: Events, advance: Advance
) -> None:
    """Nobody begins before the wait is over; the sweep wakes it then, not sooner."""
    ref = submit(options=JobOptions(retries=1))
    assert ledger.finish(start(ref), FAILURE, PICKLED, is_retryable=True) is Write.DONE
    record = now(ledger, ref)
    assert record.state is JobState.QUEUED
    assert ledger.result(ref) is None
    [past] = record.past_attempts
    assert (past.attempt, past.end, past.cause) == (1, AttemptEnd.FAILED, "ValueError: no")
    failed = events()[-1]
    assert isinstance(failed, AttemptFailed)
    assert failed.error == FAILURE.error
    assert failed.retry_at == record.retry_at == failed.at + 50
    assert ledger.claim(ref, worker="w1", pid=8) is None
    assert ledger.sweep(empty=["default"]) == []
    advance(0.06)
    assert [due.ref for due in ledger.sweep()] == [ref]
    again = start(ref)
    assert (again.token, now(ledger, ref).retry_at) == (2, None)


@quick
def test_the_last_failure_is_final(
    ledger: Ledger, submit: Submit, start: Start, advance: Advance
) -> None:
    """As many retries as were asked for, each after twice the wait; then its error is kept."""
    ref = submit(options=JobOptions(retries=2))
    waits = []
    for _ in range(2):
        lease = start(ref)
        ledger.finish(lease, FAILURE, None, is_retryable=True)
        record = now(ledger, ref)
        waits.append((record.retry_at or 0) - record.past_attempts[-1].at)
        advance(waits[-1] / 1000 + 0.01)
    assert waits == [50, 100]
    assert ledger.finish(start(ref), FAILURE, PICKLED, is_retryable=True) is Write.DONE
    record = now(ledger, ref)
    assert (record.state, record.attempt, record.error) == (JobState.FAILED, 3, FAILURE.error)
    assert ledger.result(ref) == PICKLED
    assert ledger.held("w1") == []


@pytest.mark.parametrize("is_retryable", [True, False])
def test_a_failure_nobody_wants_to_retry_is_final(
    ledger: Ledger, submit: Submit, start: Start, is_retryable: bool
) -> None:
    """Without retries, or where the exception is none of those that were named."""
    ref = submit(options=JobOptions(retries=0 if is_retryable else 3))
    ledger.finish(start(ref), FAILURE, None, is_retryable=is_retryable)
    assert now(ledger, ref).state is JobState.FAILED


@quick
def test_a_repeated_failure_counts_once(
    ledger: Ledger, submit: Submit, start: Start, events: Events
) -> None:
    """A finish whose reply was lost is recognised, also where it queued the job again."""
    lease = start(submit(options=JobOptions(retries=2)))
    assert ledger.finish(lease, FAILURE, None, is_retryable=True) is Write.DONE
    assert ledger.finish(lease, FAILURE, None, is_retryable=True) is Write.REPEATED
    assert sum(isinstance(event, AttemptFailed) for event in events()) == 1


@quick
def test_a_job_can_be_cancelled_while_it_waits_to_be_tried_again(
    ledger: Ledger, submit: Submit, start: Start, advance: Advance
) -> None:
    """It is not woken any more."""
    ref = submit(options=JobOptions(retries=1))
    ledger.finish(start(ref), FAILURE, None, is_retryable=True)
    cancelled = ledger.cancel(ref)
    assert cancelled is not None
    assert (cancelled.state, cancelled.retry_at) == (JobState.CANCELLED, None)
    advance(0.06)
    assert ledger.sweep(empty=["default"]) == []


@quick
def test_lost_and_failed_attempts_are_counted_apart(
    ledger: Ledger, submit: Submit, start: Start, advance: Advance
) -> None:
    """A job that fails often may still lose as many attempts as any other."""
    ref = submit(options=JobOptions(retries=2))
    for _ in range(2):
        ledger.finish(start(ref), FAILURE, None, is_retryable=True)
        advance(0.12)
    for _ in range(MAX_ATTEMPTS - 1):
        ledger.lose(start(ref), "killed")
    assert now(ledger, ref).state is JobState.QUEUED
    ledger.lose(start(ref), "killed")
    record = now(ledger, ref)
    assert (record.state, record.attempt) == (JobState.FAILED, 2 + MAX_ATTEMPTS)
    assert record.error is not None
    assert record.error.message.count("killed") == MAX_ATTEMPTS
    assert "ValueError" not in record.error.message


def test_what_is_given_back_counts_towards_nothing(
    ledger: Ledger, submit: Submit, start: Start, events: Events
) -> None:
    """However often its workers are stopped in good order, the job runs in the end."""
    ref = submit()
    for n in range(MAX_ATTEMPTS + 2):
        lease = start(ref)
        record = ledger.give_back(lease, "stopped\n by hand")
        assert record is not None
        assert (record.state, record.attempt) == (JobState.QUEUED, n + 1)
        assert ledger.give_back(lease, "again") is None
        assert ledger.finish(lease, SUCCESS, None) is Write.FENCED
    returned = events()[-1]
    assert isinstance(returned, AttemptReturned)
    assert returned.cause == "stopped by hand"
    assert [due.ref for due in ledger.sweep()] == [ref]
    assert ledger.finish(start(ref), SUCCESS, None) is Write.DONE


def test_a_worker_that_leaves_gives_its_jobs_back(
    ledger: Ledger, start: Start, join: Callable[..., Any], events: Events
) -> None:
    """It said goodbye, so nothing died."""
    join()
    lease = start()
    ledger.leave("w1", "stopped")
    assert [past.end for past in now(ledger, lease.ref).past_attempts] == [AttemptEnd.RETURNED]
    assert ledger.held("w1") == []


@pytest.mark.parametrize(
    "timings", [{"worker_silent_s": 0.02, "lease_s": 0.01}], ids=["silence of 0.02 s"]
)
def test_a_worker_thought_to_be_gone_learns_what_to_end(
    ledger: Ledger, start: Start, join: Callable[..., Any], advance: Advance
) -> None:
    """A frozen worker wakes after its jobs were given to others: it joins again, and is told."""
    join()
    lease = start(pid=7)
    advance(0.03)
    ledger.sweep()
    assert ledger.beat("w1") is None
    join()
    assert ledger.beat("w1") == [(lease, 7)]
    ledger.drop("w1", lease)
    assert ledger.beat("w1") == []


@killed
def test_an_attempt_that_runs_for_too_long_fails_at_a_beat(
    ledger: Ledger, submit: Submit, start: Start, join: Callable[..., Any], advance: Advance
) -> None:
    """After the timeout and the grace; its process is named until it was ended."""
    join()
    ref = submit(options=JobOptions(timeout_s=0.05))
    lease = start(ref)
    assert ledger.beat("w1") == []
    advance(0.11)
    assert ledger.beat("w1") == [(lease, 7)]
    assert ledger.beat("w1") == [(lease, 7)]
    record = now(ledger, ref)
    assert record.state is JobState.FAILED
    assert record.error is not None
    assert record.error.type == TIMED_OUT
    assert "0.05 s" in record.error.message
    assert ledger.finish(lease, SUCCESS, None) in (Write.FENCED, Write.REPEATED)
    assert now(ledger, ref).state is JobState.FAILED


@killed
@pytest.mark.parametrize(
    ("retry_on", "state"),
    [
        ((), JobState.QUEUED),
        (("TimeoutError",), JobState.QUEUED),
        (("ValueError",), JobState.FAILED),
    ],
)
def test_a_timeout_is_tried_again_where_it_is_asked_for(
    ledger: Ledger,
    submit: Submit,
    start: Start,
    join: Callable[..., Any],
    advance: Advance,
    retry_on: tuple[str, ...],
    state: JobState,
) -> None:
    """Like any other failure; the next attempt has its whole time again."""
    join()
    ref = submit(options=JobOptions(timeout_s=0.01, retries=1, retry_on=retry_on))
    start(ref)
    advance(0.07)
    ledger.beat("w1")
    assert now(ledger, ref).state is state


def test_jobs_are_found_by_name_state_time_and_session(
    ledger: Ledger, submit: Submit, start: Start, clock: Any, advance: Advance
) -> None:
    """Each alone, and together; newest first."""
    one = submit(options=JobOptions(name="fit", session="a"))
    two = submit(task="fit", options=JobOptions(session="b"))
    advance(0.01)
    since = clock.now_ms()
    three = submit(options=JobOptions(session="a"))
    start(three)

    def found(**asked: Any) -> list[str]:
        return [record.id for record in ledger.jobs("ada", matching=JobFilter(**asked))]

    assert found() == [three.id, two.id, one.id]
    assert found(name="fit") == [two.id, one.id]
    assert found(session="a") == [three.id, one.id]
    assert found(session="a", name="fit") == [one.id]
    assert found(states=frozenset({JobState.RUNNING})) == [three.id]
    assert found(since=since) == [three.id]
    assert found(session="nowhere") == []
    assert ledger.jobs("bob", matching=JobFilter(session="a")) == []


def test_pages_of_jobs_leave_none_out(ledger: Ledger) -> None:
    """Also where many were made within a millisecond; a page begins behind a job."""
    specs = [(str(n), JobSpec(task="demo", options=JobOptions(session="s"))) for n in range(450)]
    made = [one.record.id for one in ledger.submit("ada", specs)]
    for matching in (JobFilter(), JobFilter(session="s")):
        found: list[str] = []
        while page := ledger.jobs(
            "ada", limit=100, before=found[-1] if found else None, matching=matching
        ):
            found += [record.id for record in page]
        assert found == made[::-1]
    assert ledger.jobs("ada", before="0" * 32) == []
