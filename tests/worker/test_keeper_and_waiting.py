"""A pool process that dies while it waits for a job, or is at none, as the keeper sees it."""

from __future__ import annotations

import os
import queue
import secrets
import signal
from collections.abc import Iterator

import pytest
from waiting import wait_until

from taskkit.ledger import Claim, JobRef, Lease
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol.events import JobSucceeded
from taskkit.protocol.jobs import JobState, ResultInfo
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.workers import WorkerInfo
from taskkit_worker.handover import Handover
from taskkit_worker.keeper import Keeper
from taskkit_worker.pulse import Pulse

WORKER = WorkerInfo(name="w1", host="lab", pid=1, processes=2, python="3.11.7")
DONE = JobSucceeded(result=ResultInfo(media_type="application/json", size_bytes=2))
Deaths = queue.SimpleQueue[tuple[int | None, str]]


def submitted(ledger: MemoryLedger) -> JobRef:
    """Submit a job with its wake-up."""
    request = (secrets.token_hex(8), JobSpec(task="demo"))
    [made] = ledger.submit("ada", [request], message=lambda queue: queue)
    return JobRef("ada", made.record.id)


@pytest.fixture
def ledger() -> MemoryLedger:
    """One on which process 7 waits, for longer than it lives."""
    kept = MemoryLedger()
    kept.join(WORKER)
    submitted(kept)
    claim = kept.claim_next("default", worker="w1", pid=7)
    assert isinstance(claim, Claim)
    kept.finish_and_claim(claim.lease, DONE, None, worker="w1", pid=7, wait_s=3600)
    kept.messages.clear()
    return kept


@pytest.fixture
def handover() -> Handover:
    """As a worker's main process makes it, before it forks its pool."""
    return Handover()


def kept(ledger: MemoryLedger, told: Deaths, handover: Handover, *, beat_s: float) -> Keeper:
    """Start a keeper that hears of deaths by `told`."""
    keeper = Keeper(
        ledger,
        WORKER,
        told,
        handover,
        agree=lambda: None,
        beat_s=beat_s,
        interrupt_s=1.0,
        finish_s=1.0,
        pulse=Pulse(None, every_s=0),
    )
    keeper.start()
    return keeper


@pytest.fixture
def deaths(ledger: MemoryLedger, handover: Handover) -> Iterator[Deaths]:
    """What the main process is told of its pool; a keeper listens."""
    told: Deaths = queue.SimpleQueue()
    keeper = kept(ledger, told, handover, beat_s=0.1)
    yield told
    keeper.stop("the test is over")


def test_what_was_handed_to_a_dead_process_is_queued_again(
    ledger: MemoryLedger, deaths: Deaths
) -> None:
    """It was handed over when the process was dead already, which nobody knew yet."""
    ref = submitted(ledger)
    deaths.put((7, "signal 9"))

    def is_queued() -> bool:
        record = ledger.job(ref)
        return record is not None and record.state is JobState.QUEUED

    wait_until(is_queued, 10)
    assert ledger.held("w1") == []


def test_nothing_is_handed_to_a_process_that_is_known_to_be_dead(
    ledger: MemoryLedger, deaths: Deaths
) -> None:
    """Others hear of the job: the keeper would renew the lease of the dead one for ever."""
    # What shows that the keeper has heeded the note: the process held another job, too.
    [made] = ledger.submit("bob", [("other", JobSpec(task="demo"))])
    assert ledger.claim(JobRef("bob", made.record.id), worker="w1", pid=7) is not None
    deaths.put((7, "signal 9"))
    wait_until(lambda: ledger.held("w1") == [], 10)
    ref = submitted(ledger)
    assert ledger.held("w1") == []
    assert len(ledger.messages["default"]) == 1
    record = ledger.job(ref)
    assert record is not None
    assert record.state is JobState.QUEUED


class Asked(MemoryLedger):
    """A ledger that counts beats, and questions whether it calls."""

    beats = waits = 0

    def beat(self, worker: str) -> list[tuple[Lease, int]] | None:
        self.beats += 1
        return super().beat(worker)

    def wait_wake(self, worker: str, timeout_s: float) -> bool:
        self.waits += 1
        return super().wait_wake(worker, timeout_s)


def test_a_worker_that_idles_asks_for_little_more_than_its_beats() -> None:
    """Thousands of them are thousands of times that."""
    asked = Asked()
    keeper = kept(asked, queue.SimpleQueue(), Handover(), beat_s=0.1)
    wait_until(lambda: asked.beats >= 15, 20)
    keeper.stop("the test is over")
    assert asked.waits <= 2


def test_a_call_is_heard_between_two_beats() -> None:
    """A job that is cancelled need not wait for the next one, however far that is."""
    asked = Asked()
    keeper = kept(asked, queue.SimpleQueue(), Handover(), beat_s=3600)
    wait_until(lambda: asked.beats >= 2 and asked.waits >= 1, 20)
    ref = submitted(asked)
    assert asked.claim(ref, worker="w1", pid=7) is not None
    before = asked.beats
    asked.cancel(ref)
    wait_until(lambda: asked.beats > before, 20)
    keeper.stop("the test is over")


def test_a_death_is_heeded_between_two_beats() -> None:
    """It is noted in this process, where no question to the ledger would learn of it."""
    asked, told = Asked(), Deaths()
    keeper = kept(asked, told, Handover(), beat_s=3600)
    wait_until(lambda: asked.beats >= 2, 20)
    ref = submitted(asked)
    assert asked.claim(ref, worker="w1", pid=7) is not None
    told.put((7, "signal 9"))
    wait_until(lambda: asked.held("w1") == [], 20)
    keeper.stop("the test is over")


def test_a_job_that_no_process_is_at_is_given_back(
    ledger: MemoryLedger, handover: Handover, deaths: Deaths
) -> None:
    """Redis came back without its end, by a failover; one that runs is left alone."""
    told, tell = os.pipe()
    busy = os.fork()
    if busy == 0:  # a process of the pool
        with handover.at_work():
            os.write(tell, b"x")
            signal.pause()
        os._exit(0)
    try:
        os.read(told, 1)
        ledger.rise(worker="w1", pid=7)  # nobody else waits for them
        ended, running = submitted(ledger), submitted(ledger)
        assert ledger.claim(running, worker="w1", pid=busy) is not None
        assert ledger.claim(ended, worker="w1", pid=os.getpid()) is not None
        wait_until(lambda: state(ledger, ended) is JobState.QUEUED, 10)
        again = ledger.claim(ended, worker="w1", pid=os.getpid())
        assert again is not None
        wait_until(lambda: state(ledger, ended) is JobState.QUEUED, 10)
        assert state(ledger, running) is JobState.RUNNING
        # Its keeper drops it in a step of its own.
        wait_until(lambda: [lease.ref for lease, _ in ledger.held("w1")] == [running], 10)
    finally:
        os.kill(busy, signal.SIGKILL)
        os.waitpid(busy, 0)
        os.close(told)
        os.close(tell)


def state(ledger: MemoryLedger, ref: JobRef) -> JobState:
    """Return a job's state."""
    record = ledger.job(ref)
    assert record is not None
    return record.state
