"""A process that waits for a job has one handed to it as it is submitted."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

import pytest

from taskkit.ledger import Claim, JobRef, Lease, Ledger, Limits, Write
from taskkit.protocol.events import AttemptStarted, Event, JobSubmitted, JobSucceeded
from taskkit.protocol.jobs import JobState, ResultInfo
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.workers import WorkerInfo

Start = Callable[..., Lease]
Advance = Callable[[float], None]
Waiting = Callable[[], list[str]]
Wait = Callable[..., Lease]

DONE = JobSucceeded(result=ResultInfo(media_type="application/json", size_bytes=2))
WAIT_S = 0.3


def told(ledger: Ledger, owner: str = "ada", **spec: object) -> JobRef:
    """Submit a job with its wake-up, as a server does; the message is the job's own key."""
    key = secrets.token_hex(8)
    job = JobSpec(**{"task": "demo", **spec})  # type: ignore[arg-type]
    [made] = ledger.submit(owner, [(key, job)], message=lambda queue: f"for {queue}")
    return JobRef(owner, made.record.id)


def taken(ledger: Ledger, pid: int = 7, queues: Sequence[str] = ("default",)) -> object:
    """Return what comes to a process."""
    came = ledger.take(0.01, queues, worker="w1", pid=pid)
    return came.lease.ref if isinstance(came, Claim) else came


@pytest.fixture
def wait(ledger: Ledger, start: Start, join: Callable[..., WorkerInfo]) -> Wait:
    """Have a process end a job, find no other one, and wait; return the lease that it had."""
    join("w1")

    def wait_one(
        pid: int = 7, queues: Sequence[str] = ("default",), wait_s: float = 3600.0
    ) -> Lease:
        lease = start(worker="w1", pid=pid)
        write, another = ledger.finish_and_claim(
            lease, DONE, None, worker="w1", pid=pid, queues=queues, wait_s=wait_s
        )
        assert (write, another) == (Write.DONE, None)
        return lease

    return wait_one


def test_a_job_is_handed_to_who_waits(
    ledger: Ledger, wait: Wait, waiting: Waiting, events: Callable[[], list[Event]]
) -> None:
    """It is accepted, begun and told in one step, and nobody else is woken for it."""
    wait()
    ref = told(ledger)
    record = ledger.job(ref)
    assert record is not None
    assert (record.state, record.worker, record.attempt) == (JobState.RUNNING, "w1", 1)
    assert waiting() == []
    assert [type(event) for event in events() if event.job == ref.id] == [
        JobSubmitted,
        AttemptStarted,
    ]
    assert [pid for lease, pid in ledger.held("w1") if lease.ref == ref] == [7]

    came = ledger.take(5, worker="w1", pid=7)
    assert isinstance(came, Claim)
    assert came.lease == Lease(ref, 1)
    assert came.spec.task == "demo"
    assert ledger.finish(came.lease, DONE, None) is Write.DONE


def test_who_waits_longest_is_first_and_each_has_one(
    ledger: Ledger, wait: Wait, waiting: Waiting
) -> None:
    """A third job is for whoever hears of it."""
    wait(pid=7)
    wait(pid=8)
    wait(pid=7)
    first, second, _ = told(ledger), told(ledger), told(ledger)
    assert waiting() == ["for default"]
    assert taken(ledger, 8) == first
    assert taken(ledger, 7) == second
    assert taken(ledger, 7) == "for default"


def test_jobs_of_one_request_go_to_as_many_as_wait(
    ledger: Ledger, wait: Wait, waiting: Waiting
) -> None:
    """The rest have their wake-ups."""
    wait(pid=7)
    wait(pid=8)
    specs = [(key, JobSpec(task="demo")) for key in "abcd"]
    ledger.submit("ada", specs, message=lambda queue: queue)
    assert len(waiting()) == 2
    assert [load.running for load in ledger.loads()] == [2]


def test_who_has_risen_is_handed_nothing(ledger: Ledger, wait: Wait, waiting: Waiting) -> None:
    """It went back to where messages are brought to it."""
    wait()
    assert ledger.rise(worker="w1", pid=7) is None
    told(ledger)
    assert waiting() == ["for default"]


def test_nobody_waits_for_longer_than_was_said(
    ledger: Ledger, wait: Wait, waiting: Waiting, advance: Advance
) -> None:
    """Who died while it waited is handed nothing from then on."""
    wait(wait_s=WAIT_S)
    advance(WAIT_S)
    told(ledger)
    assert waiting() == ["for default"]


def test_who_of_a_worker_that_left_is_handed_nothing(
    ledger: Ledger, wait: Wait, waiting: Waiting
) -> None:
    """Nobody would renew the lease."""
    wait()
    ledger.leave("w1", "stopped")
    told(ledger)
    assert waiting() == ["for default"]


def test_what_was_handed_over_and_lost_on_its_way_is_told_again(
    ledger: Ledger, wait: Wait, waiting: Waiting
) -> None:
    """A process whose connection broke asks; it is told once more, and not a third time."""
    wait()
    ref = told(ledger)
    claim = ledger.rise(worker="w1", pid=7)
    assert claim is not None
    assert claim.lease == Lease(ref, 1)
    assert taken(ledger) is None
    assert waiting() == []


def test_a_finish_that_is_repeated_tells_what_was_handed_over_since(
    ledger: Ledger, wait: Wait
) -> None:
    """Its first reply was lost; the job is not brought a second time."""
    before = wait()
    ref = told(ledger)
    write, claim = ledger.finish_and_claim(before, DONE, None, worker="w1", pid=7, wait_s=3600)
    assert write is Write.REPEATED
    assert claim is not None
    assert claim.lease == Lease(ref, 1)
    assert taken(ledger) is None


def test_a_wake_up_that_was_taken_beside_it_is_put_back(
    ledger: Ledger, wait: Wait, waiting: Waiting, submit: Callable[..., JobRef]
) -> None:
    """The process runs what was handed to it; others hear of the other job, and before the next."""
    wait()
    ref = told(ledger)
    other = submit()
    claim = ledger.rise(worker="w1", pid=7, woken=("default", "for the other"))
    assert claim is not None
    assert claim.lease.ref == ref
    told(ledger)
    assert waiting() == ["for the other", "for default"]
    found = ledger.claim_next("default", worker="w1", pid=8)
    assert found is not None
    assert found.lease.ref == other


def test_who_was_woken_claims(ledger: Ledger, wait: Wait, submit: Callable[..., JobRef]) -> None:
    """Nothing was handed to it, so it has the job whose turn it is; and it waits no more."""
    wait()
    ref = submit()
    claim = ledger.rise(worker="w1", pid=7, woken=("default", "a message"))
    assert claim is not None
    assert claim.lease.ref == ref
    later = told(ledger)
    assert taken(ledger) == "for default"
    record = ledger.job(later)
    assert record is not None
    assert record.state is JobState.QUEUED


def test_a_wake_up_for_nothing_brings_nothing(ledger: Ledger, wait: Wait) -> None:
    """Its job was begun by somebody else."""
    wait()
    assert ledger.rise(worker="w1", pid=7, woken=("default", "a message")) is None


def test_only_jobs_of_its_queues_are_handed_over(
    ledger: Ledger, wait: Wait, waiting: Waiting
) -> None:
    """And of all of them together one."""
    wait(queues=("gpu", "fast"))
    told(ledger)
    assert waiting() == ["for default"]
    ref = told(ledger, options=JobOptions(queue="fast"))
    assert taken(ledger, queues=("gpu", "fast")) == ref
    later = told(ledger, options=JobOptions(queue="gpu"))
    record = ledger.job(later)
    assert record is not None
    assert record.state is JobState.QUEUED


def test_whose_turn_it_is_counts_and_not_who_came(
    ledger: Ledger, wait: Wait, waiting: Waiting, submit: Callable[..., JobRef]
) -> None:
    """A job that is in line already, whose wake-up is on its way, goes first."""
    wait()
    first = submit(owner="bob")
    told(ledger)
    assert taken(ledger) == first
    assert waiting() == ["for default"]


def test_a_limit_holds_for_what_is_handed_over(
    ledger: Ledger, wait: Wait, waiting: Waiting
) -> None:
    """The job has its wake-up, and the process goes on waiting."""
    wait()
    ledger.limit(Limits(running=0))
    first = told(ledger)
    assert waiting() == ["for default"]
    ledger.limit(Limits())
    told(ledger)
    came = ledger.take(0.01, worker="w1", pid=7)
    assert isinstance(came, Claim)
    assert came.lease.ref == first


def test_a_job_that_waits_for_others_is_not_handed_over(
    ledger: Ledger, wait: Wait, start: Start
) -> None:
    """It cannot begin yet."""
    other = start(worker="w2", pid=1).ref
    wait()
    later = told(ledger, task="sum", after=(other.id,))
    assert taken(ledger) is None
    record = ledger.job(later)
    assert record is not None
    assert record.state is JobState.QUEUED


def test_an_order_of_any_size_arrives(ledger: Ledger, wait: Wait) -> None:
    """Of a long one the process is told that it is there, and asks for it."""
    for payload in (b"", b"\x00\xff" * 1000, b"x" * 200_000):
        wait()
        digest = "f" * 64
        ledger.put_function("ada", digest, b"pickled")
        ref = told(ledger, function=digest, payload=payload, python="3.12")
        came = ledger.take(0.01, worker="w1", pid=7)
        if came is None:
            came = ledger.rise(worker="w1", pid=7)
        assert isinstance(came, Claim)
        assert (came.lease.ref, came.spec.payload, came.spec.function) == (ref, payload, digest)
        assert ledger.finish(came.lease, DONE, None) is Write.DONE


def test_a_cancelled_one_is_stopped_like_any_other(ledger: Ledger, wait: Wait) -> None:
    """Its worker is told at the next beat, with the process that it was handed to."""
    wait()
    ref = told(ledger)
    ledger.cancel(ref)
    assert ledger.beat("w1") == [(Lease(ref, 1), 7)]
    came = ledger.take(0.01, worker="w1", pid=7)
    assert isinstance(came, Claim)
    assert ledger.finish(came.lease, DONE, None) is Write.FENCED


@pytest.mark.parametrize("timings", [{"lease_s": 0.2}], ids=["lease of 0.2 s"])
def test_one_whose_worker_is_not_heard_of_is_queued_again(
    ledger: Ledger, wait: Wait, advance: Advance
) -> None:
    """The process died before it took it, and its worker with it."""
    wait()
    ref = told(ledger)
    advance(0.25)
    assert [due.ref for due in ledger.sweep()] == [ref]
    record = ledger.job(ref)
    assert record is not None
    assert record.state is JobState.QUEUED
