"""A process that ends an attempt begins the next job in the same step."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest

from taskkit.ledger import JobRef, Lease, Ledger, StoredResult, Write
from taskkit.protocol.broker import wake_up
from taskkit.protocol.events import AttemptStarted, Event, JobFailed, JobSucceeded
from taskkit.protocol.jobs import ErrorInfo, JobState, ResultInfo
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.wire import JSON

Start = Callable[..., Lease]
Waiting = Callable[[], list[str]]
Events = Callable[..., list[Event]]

SUCCESS = JobSucceeded(result=ResultInfo(media_type=JSON, size_bytes=2, preview="42"))
FAILURE = JobFailed(error=ErrorInfo(type="ValueError", message="no"))
STORED = StoredResult(media_type=JSON, body=b"42")
ME = {"worker": "w1", "pid": 7}
"""Who `start` makes the holder of leases."""


@pytest.fixture
def queued(ledger: Ledger, waiting: Waiting) -> Callable[..., JobRef]:
    """Make a job whose wake-up waits in the queue, as servers write it."""
    assert waiting() == []

    def make(owner: str = "ada", **spec: object) -> JobRef:
        request = (secrets.token_hex(8), JobSpec(task="demo", **spec))  # type: ignore[arg-type]
        [made] = ledger.submit(owner, [request], message=wake_up)
        return JobRef(owner, made.record.id)

    return make


def test_the_next_is_claimed(
    ledger: Ledger, start: Start, queued: Callable[..., JobRef], waiting: Waiting, events: Events
) -> None:
    """Whosever it is, with all that a claim brings; the others stay for others."""
    first = queued("bob", arguments='{"where": "Zürich"}')
    second = queued()
    lease = start()
    write, claim = ledger.finish_and_claim(lease, SUCCESS, STORED, **ME)
    assert write is Write.DONE
    assert claim is not None
    assert claim.lease == Lease(first, 1)
    assert claim.spec == JobSpec(task="demo", arguments='{"where": "Zürich"}')
    assert ledger.result(lease.ref) == STORED
    assert ledger.held("w1") == [(claim.lease, 7)]
    assert isinstance(events("bob")[-1], AttemptStarted)
    assert len(waiting()) == 1
    assert start(second).token == 1


def test_with_an_empty_queue_it_is_a_finish(
    ledger: Ledger, start: Start, queued: object, waiting: Waiting
) -> None:
    """Nothing is claimed, and nothing is waited for."""
    lease = start()
    assert ledger.finish_and_claim(lease, SUCCESS, None, **ME) == (Write.DONE, None)
    assert ledger.held("w1") == []


def test_wake_ups_of_jobs_that_are_not_to_be_had_are_dropped(
    ledger: Ledger, start: Start, queued: Callable[..., JobRef], waiting: Waiting
) -> None:
    """Of one that was cancelled, and of one that another process has, when nothing else waits."""
    cancelled, taken, good = queued(), queued(), queued()
    ledger.cancel(cancelled)
    start(taken, pid=8)
    _, claim = ledger.finish_and_claim(start(), SUCCESS, None, **ME)
    assert claim is not None
    assert claim.lease.ref == good
    assert len(waiting()) == 2
    assert ledger.finish_and_claim(claim.lease, SUCCESS, None, **ME) == (Write.DONE, None)
    assert waiting() == []


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "null",
        '{"headers": {"task": "other"}, "properties": {}, "body": "[]"}',
        '{"headers": [], "properties": {}, "body": "[]"}',
    ],
)
def test_a_foreign_message_stays(
    ledger: Ledger, start: Start, queued: Callable[..., JobRef], waiting: Waiting, text: str
) -> None:
    """For whoever takes it and says so; the job is claimed all the same."""
    ledger.submit("ada", [(secrets.token_hex(8), JobSpec(task="demo"))], message=lambda _: text)
    _, first = ledger.finish_and_claim(start(), SUCCESS, None, **ME)
    assert first is not None
    queued()
    assert ledger.finish_and_claim(first.lease, SUCCESS, None, **ME)[1] is not None
    assert waiting()[0] == text
    assert len(waiting()) == 2


def test_a_repeated_call_gives_what_the_first_one_claimed(
    ledger: Ledger, start: Start, queued: Callable[..., JobRef], waiting: Waiting
) -> None:
    """Its reply was lost: were it forgotten, the job would be held by who does not know of it."""
    queued()
    queued()
    lease = start()
    _, first = ledger.finish_and_claim(lease, SUCCESS, None, **ME)
    assert ledger.finish_and_claim(lease, SUCCESS, None, **ME) == (Write.REPEATED, first)
    assert len(waiting()) == 1


def test_a_repeated_call_whose_claim_is_lost_claims_anew(
    ledger: Ledger, start: Start, queued: Callable[..., JobRef]
) -> None:
    """What was claimed was taken away meanwhile, and is first in line again; others' leases are not
    mistaken for it.
    """
    queued()
    queued()
    lease = start()
    start(pid=8)
    start(worker="w2")
    _, first = ledger.finish_and_claim(lease, SUCCESS, None, **ME)
    assert first is not None
    ledger.lose(first.lease, "it was slow")
    write, claim = ledger.finish_and_claim(lease, SUCCESS, None, **ME)
    assert write is Write.REPEATED
    assert claim is not None
    assert claim.lease == Lease(first.lease.ref, 2)


def test_who_is_fenced_claims_nothing(
    ledger: Ledger, start: Start, queued: Callable[..., JobRef], waiting: Waiting
) -> None:
    """Its process may be on the way to be ended."""
    queued()
    lease = start()
    ledger.cancel(lease.ref)
    assert ledger.finish_and_claim(lease, SUCCESS, None, **ME) == (Write.FENCED, None)
    assert len(waiting()) == 1


def test_a_job_that_is_tried_again_is_not_claimed_at_once(
    ledger: Ledger, start: Start, queued: Callable[..., JobRef], waiting: Waiting
) -> None:
    """Its wait comes first; who waits behind it is claimed."""
    failing = queued(options=JobOptions(retries=1))
    following = queued()
    lease = start(failing)
    write, claim = ledger.finish_and_claim(lease, FAILURE, None, is_retryable=True, **ME)
    assert write is Write.DONE
    assert claim is not None
    assert claim.lease.ref == following
    record = ledger.job(failing)
    assert record is not None
    assert record.state is JobState.QUEUED
    assert len(waiting()) == 1  # that of the failing one, which somebody takes in vain
