"""A process claims jobs that are alike, finishes them unheard, and hands back what waits."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from taskkit.ledger import Claim, JobRef, Lease, Ledger, Limits, StoredResult, Write
from taskkit.protocol.broker import wake_up
from taskkit.protocol.events import AttemptReturned, AttemptStarted, Event, JobFailed, JobSucceeded
from taskkit.protocol.jobs import ErrorInfo, JobState, ResultInfo
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.wire import JSON
from taskkit.protocol.workers import WorkerInfo

Start = Callable[..., Lease]
Waiting = Callable[[], list[str]]
Queued = Callable[..., JobRef]

DONE = JobSucceeded(result=ResultInfo(media_type=JSON, size_bytes=2, preview="42"))
FAILED = JobFailed(error=ErrorInfo(type="ValueError", message="no"))
STORED = StoredResult(media_type=JSON, body=b"42")
ME = {"worker": "w1", "pid": 7}
"""Who `start` makes the holder of leases."""


@pytest.fixture
def queued(ledger: Ledger, waiting: Waiting) -> Queued:
    """Make a job whose wake-up waits in the queue, as servers write it."""
    assert waiting() == []

    def make(owner: str = "ada", **spec: Any) -> JobRef:
        request = (secrets.token_hex(8), JobSpec(**{"task": "demo", **spec}))
        [made] = ledger.submit(owner, [request], message=wake_up)
        return JobRef(owner, made.record.id)

    return make


def refs(claims: list[Claim]) -> list[JobRef]:
    """Return which jobs were claimed."""
    return [claim.lease.ref for claim in claims]


def test_those_that_are_alike_are_claimed_in_their_order(
    ledger: Ledger,
    start: Start,
    queued: Queued,
    waiting: Waiting,
    events: Callable[[], list[Event]],
) -> None:
    """As many as are wanted, each begun, and a wake-up goes with each."""
    first, *others = [queued(arguments=f'{{"n": {n}}}') for n in range(5)]
    lease = start(first)
    claims = ledger.claim_more(lease, 3, **ME)
    assert refs(claims) == others[:3]
    for number, claim in enumerate(claims, start=1):
        assert claim.spec.arguments.endswith(f'{{"n": {number}}}')
    assert {pid for _, pid in ledger.held("w1")} == {7}
    assert sum(isinstance(event, AttemptStarted) for event in events()) == 4
    assert len(waiting()) == 2


@pytest.mark.parametrize(
    "other",
    [
        {"task": "another"},
        {"options": JobOptions(timeout_s=5)},
        {"options": JobOptions(queue="gpu")},
        {"owner": "bob"},
    ],
    ids=str,
)
def test_none_is_claimed_past_one_that_is_another(
    ledger: Ledger, start: Start, queued: Queued, other: dict[str, Any]
) -> None:
    """It is its turn; one of another queue is in nobody's way."""
    lease = start(queued())
    queued(**other)
    last = queued()
    is_apart = other.get("options") == JobOptions(queue="gpu")
    assert refs(ledger.claim_more(lease, 3, **ME)) == ([last] if is_apart else [])


def test_one_that_was_begun_before_is_begun_alone(
    ledger: Ledger, start: Start, queued: Queued
) -> None:
    """It may be what its process has died of."""
    unlucky, lease = queued(), start(queued())
    ledger.lose(start(unlucky, pid=8), "signal 9")
    assert ledger.claim_more(lease, 3, **ME) == []


def test_one_that_is_after_another_is_not_among_them(
    ledger: Ledger, start: Start, queued: Queued
) -> None:
    """What it is given may take any time to read."""
    lease, before = start(queued()), start(queued(), pid=8)
    queued(after=(before.ref.id,))
    ledger.finish(before, DONE, STORED)
    assert ledger.claim_more(lease, 3, **ME) == []


def test_they_are_no_larger_a_part_of_the_line_than_was_said(
    ledger: Ledger, start: Start, queued: Queued
) -> None:
    """One in three of seven are two."""
    lease = start(queued())
    line = [queued() for _ in range(7)]
    assert refs(ledger.claim_more(lease, 5, **ME, one_in=3)) == line[:2]


def test_nobody_has_more_running_than_may_be(ledger: Ledger, start: Start, queued: Queued) -> None:
    """However they are claimed."""
    lease = start(queued())
    line = [queued() for _ in range(4)]
    ledger.limit(Limits(running=3))
    assert refs(ledger.claim_more(lease, 4, **ME)) == line[:2]
    ledger.limit(Limits())


def test_none_is_claimed_while_a_job_has_needs(
    ledger: Ledger, start: Start, queued: Queued
) -> None:
    """Which of them fits where is asked one by one."""
    lease = start(queued())
    queued()
    queued(options=JobOptions(tags=("gpu",)))
    assert ledger.claim_more(lease, 4, **ME) == []


def test_a_repeated_question_gives_the_same_jobs(
    ledger: Ledger, start: Start, queued: Queued, waiting: Waiting
) -> None:
    """Its reply was lost: were they forgotten, they would be held by who does not know of them."""
    lease = start(queued())
    line = [queued() for _ in range(4)]
    first = ledger.claim_more(lease, 2, **ME)
    ledger.cancel(line[0])
    again = ledger.claim_more(lease, 2, **ME)
    assert refs(first) == line[:2]
    assert again == first[1:]


def test_a_repeated_question_gives_them_where_the_first_job_is_over(
    ledger: Ledger, start: Start, queued: Queued
) -> None:
    """Cancelled between the two; or others get needs."""
    lease = start(queued())
    second = queued()
    first = ledger.claim_more(lease, 1, **ME)
    ledger.cancel(lease.ref)
    queued(options=JobOptions(tags=("gpu",)))
    assert refs(first) == [second]
    assert ledger.claim_more(lease, 1, **ME) == first


def test_who_is_fenced_claims_nothing(ledger: Ledger, start: Start, queued: Queued) -> None:
    """Its process may be on the way to be ended."""
    lease = start(queued())
    queued()
    ledger.cancel(lease.ref)
    assert ledger.claim_more(lease, 2, **ME) == []


def test_the_worker_is_called_once_in_a_while(
    ledger: Ledger, start: Start, queued: Queued, join: Callable[..., WorkerInfo]
) -> None:
    """To see that they do not wait for long."""
    join("w1")
    lease, other = start(queued()), start(queued(), pid=8)
    for _ in range(4):
        queued()
    assert not ledger.wait_wake("w1", 0)
    assert ledger.claim_more(lease, 1, **ME)
    assert ledger.claim_more(other, 1, worker="w1", pid=8)
    assert ledger.wait_wake("w1", 0)
    assert not ledger.wait_wake("w1", 0)


def test_a_process_with_several_jobs_counts_once(
    ledger: Ledger, start: Start, queued: Queued, join: Callable[..., WorkerInfo]
) -> None:
    """Of a worker's processes."""
    join("w1")
    lease = start(queued())
    queued()
    ledger.claim_more(lease, 1, **ME)
    [worker] = ledger.workers("ada")
    assert worker.busy == 1
    assert len(worker.jobs) == 2


def test_what_is_handed_back_is_first_in_line_again(
    ledger: Ledger,
    start: Start,
    queued: Queued,
    waiting: Waiting,
    events: Callable[[], list[Event]],
) -> None:
    """A wake-up tells of each; that it was begun is in its story, and counts towards nothing."""
    lease = start(queued())
    line = [queued() for _ in range(4)]
    claims = ledger.claim_more(lease, 2, **ME)
    before = len(waiting())
    assert ledger.hand_back("w1", [claim.lease for claim in claims], "it waited") == 2
    assert [lease for lease, _ in ledger.held("w1")] == [lease]
    assert len(waiting()) == before + 2
    assert [event.cause for event in events() if isinstance(event, AttemptReturned)] == [
        "it waited",
        "it waited",
    ]
    again = ledger.claim_next("default", worker="w2", pid=9)
    assert isinstance(again, Claim)
    assert again.lease == Lease(line[0], 2)


def test_what_is_handed_back_goes_to_who_waits(
    ledger: Ledger, start: Start, queued: Queued, join: Callable[..., WorkerInfo], waiting: Waiting
) -> None:
    """At once, as a job that is submitted."""
    join("w1")
    join("w2")
    lease = start(queued())
    queued()
    [claim] = ledger.claim_more(lease, 1, **ME)
    idle = start(worker="w2", pid=9)
    assert ledger.finish_and_claim(idle, DONE, None, worker="w2", pid=9, wait_s=60)[1] is None
    before = len(waiting())
    assert ledger.hand_back("w1", [claim.lease], "it waited") == 1
    assert ledger.held("w2") == [(Lease(claim.lease.ref, 2), 9)]
    assert len(waiting()) == before


def test_what_is_over_is_only_forgotten(ledger: Ledger, start: Start, queued: Queued) -> None:
    """A cancelled one, one that has ended, and one of which somebody else has a later attempt."""
    lease = start(queued())
    cancelled, _, other = (queued() for _ in range(3))
    claims = ledger.claim_more(lease, 3, **ME)
    ledger.cancel(cancelled)
    ledger.finish(claims[1].lease, DONE, STORED)
    ledger.lose(claims[2].lease, "slow")
    later = start(other, worker="w2")
    assert ledger.hand_back("w1", [claim.lease for claim in claims], "it waited") == 0
    assert [lease for lease, _ in ledger.held("w1")] == [lease]
    assert ledger.held("w2") == [(later, 7)]


def test_what_is_finished_unheard_is_finished(ledger: Ledger, start: Start) -> None:
    """Each with its result; what became of each is told in their order."""
    finisher = ledger.finisher()
    first, fenced, last = (start() for _ in range(3))
    ledger.cancel(fenced.ref)
    finisher.send(first, DONE, STORED)
    finisher.send(fenced, DONE, STORED)
    finisher.send(first, DONE, STORED)
    finisher.send(last, FAILED, None)
    assert finisher.answers() == [Write.DONE, Write.FENCED, Write.REPEATED, Write.DONE]
    assert finisher.answers() == []
    assert ledger.result(first.ref) == STORED
    states = [ledger.job(lease.ref) for lease in (first, fenced, last)]
    assert [record and record.state for record in states] == [
        JobState.SUCCEEDED,
        JobState.CANCELLED,
        JobState.FAILED,
    ]


def test_a_failure_is_tried_again_unheard(ledger: Ledger, start: Start, queued: Queued) -> None:
    """Where it may be, and tries are left."""
    lease = start(queued(options=JobOptions(retries=1)))
    finisher = ledger.finisher()
    finisher.send(lease, FAILED, None, is_retryable=True)
    assert finisher.answers() == [Write.DONE]
    record = ledger.job(lease.ref)
    assert record is not None
    assert record.state is JobState.QUEUED
