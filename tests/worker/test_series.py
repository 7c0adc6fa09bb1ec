"""Several jobs claimed at once, on the ledger in memory: which of them run here, and when not."""

from __future__ import annotations

import os
import queue
import signal
import time
from collections.abc import Iterator

import pytest
from pool_process import DONE, WORKER, Process, others_at
from waiting import wait_until

from taskkit.ledger import Claim, Lease
from taskkit.protocol.jobs import AttemptEnd, JobState
from taskkit_worker import claiming
from taskkit_worker.keeper import Keeper
from taskkit_worker.lengths import LONG_S, MEASURED
from taskkit_worker.performance import LostError
from taskkit_worker.pulse import Pulse
from taskkit_worker.series import SLOTS, Series


@pytest.fixture
def process() -> Iterator[Process]:
    """One that knows that the jobs are brief, and 40 of them."""
    made = Process()
    made.submit(40)
    yield made
    assert made.series.running() == []
    assert made.ledger.held("w1") == []
    assert {record.state for record in made.records()} <= {JobState.SUCCEEDED, JobState.CANCELLED}


IN_SERIES = MEASURED + 1
"""The first run at which several are claimed: what was measured is known then."""


def test_brief_jobs_are_claimed_together_and_run_in_their_order(process: Process) -> None:
    """Each once; of those before it is known that they are brief, one at a time."""
    before, then = others_at(process, MEASURED), others_at(process, IN_SERIES)
    process.work()
    assert before == []
    assert then == [ref.id for ref in process.refs[IN_SERIES : IN_SERIES + len(then)]]
    assert len(then) == 8  # a quarter of those that wait
    assert process.performer.ran == [ref.id for ref in process.refs]
    assert {record.attempt for record in process.records()} == {1}
    assert not process.ledger.messages["default"]


def test_for_a_lone_job_no_other_is_asked_for(process: Process) -> None:
    """It was waited for, so that nothing can be behind it."""
    process.work()
    asked = process.ledger.asked
    for _ in range(3):
        process.submit(1)
        process.work()
    assert asked > 0
    assert process.ledger.asked == asked


@pytest.mark.parametrize(
    "fails",
    [
        {"claim_more": ["before"]},
        {"claim_more": ["after"]},
        {"finish": ["before"]},
        {"finish": ["after", "before"]},
        {"finish_and_claim": ["after"] * 8},
        {"finish_and_claim": ["before", "after"] * 4, "finish": ["before", "after"] * 3},
        {"finish_and_claim": ["well"] * MEASURED + ["after"], "finish": ["before"]},
    ],
    ids=str,
)
def test_each_runs_once_though_answers_are_lost(
    process: Process, fails: dict[str, list[str]]
) -> None:
    """Whether what was asked took effect or not."""
    process.ledger.fails = fails
    process.work()
    assert process.performer.ran == [ref.id for ref in process.refs]
    assert {record.attempt for record in process.records()} == {1}


def test_what_the_keeper_has_taken_back_is_not_run_here(process: Process) -> None:
    """But by whoever claims it next, as another attempt: here it is the same process."""
    process.performer.meets[IN_SERIES] = lambda _: take_back(process)
    process.work()
    returned = [record for record in process.records() if record.past_attempts]
    assert len(returned) == 8
    for record in returned:
        assert [past.end for past in record.past_attempts] == [AttemptEnd.RETURNED]
    assert sorted(process.performer.ran) == sorted(ref.id for ref in process.refs)


def take_back(process: Process) -> None:
    """Do what a keeper does, whose ledger is away after it has noted that."""
    [one] = process.series.running()
    process.series.take_back(one)
    process.ledger.fails = {"hand_back": ["before"]}


def test_what_has_waited_for_too_long_is_not_run_here(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease may be over: the keeper may be dead that renews it."""

    def let_time_pass(_claim: Claim) -> None:
        monkeypatch.setattr(claiming, "FRESH_S", 0.0)

    process.performer.meets[IN_SERIES] = let_time_pass
    process.performer.meets[IN_SERIES + 1] = lambda _: monkeypatch.undo()
    process.work()
    ran = process.performer.ran
    assert len(ran) == len(set(ran)) == 40
    assert any(record.past_attempts for record in process.records())


def test_one_that_breaks_costs_the_others_nothing(process: Process) -> None:
    """Its own process has died, in a box, or its outcome cannot be told."""

    def die(_claim: Claim) -> None:
        raise LostError("signal 9")

    def break_(_claim: Claim) -> None:
        raise RuntimeError("a fault of the worker's")

    process.performer.meets = {IN_SERIES + 1: die, IN_SERIES + 3: break_}
    process.work()
    ends = [past.end for record in process.records() for past in record.past_attempts]
    assert ends == [AttemptEnd.LOST, AttemptEnd.LOST]
    assert len(process.performer.ran) == 42


def test_one_that_is_cancelled_while_it_waits_stays_so(process: Process) -> None:
    """Whatever its run returns, where it is begun before anybody hears of that."""
    process.performer.meets[IN_SERIES] = lambda _: process.ledger.cancel(process.refs[IN_SERIES])
    process.work()
    assert [record.state for record in process.records()].count(JobState.CANCELLED) == 1


def test_a_process_whose_place_is_taken_claims_one_at_a_time(process: Process) -> None:
    """By another process, whose number is so many more."""
    other = Series()
    other._memory = process.series._memory
    one = process.series._at(0)
    other._note(type(one)(os.getpid() + SLOTS, 1.0, 0, False, b"0" * 32, 1))
    alone = others_at(process, IN_SERIES)
    process.work()
    assert alone == []
    other.forget(os.getpid() + SLOTS)


# What the keeper sees to


@pytest.fixture
def kept(process: Process) -> Iterator[queue.SimpleQueue[tuple[int | None, str]]]:
    """A keeper of the process; gives what it is told of deaths by."""
    told: queue.SimpleQueue[tuple[int | None, str]] = queue.SimpleQueue()
    keeper = Keeper(
        process.ledger,
        WORKER,
        told,
        process.handover,
        agree=lambda: None,
        beat_s=3600,
        interrupt_s=1.0,
        finish_s=1.0,
        pulse=Pulse(None, every_s=0),
        series=process.series,
    )
    keeper.start()
    yield told
    keeper.stop("the test is over")


def begun(process: Process, pid: int, *, is_long: bool = True) -> list[Lease]:
    """Have another process begin a series of three; return their leases. The first one runs."""
    claim = process.ledger.claim_next("default", worker="w1", pid=pid)
    assert isinstance(claim, Claim)
    more = process.ledger.claim_more(claim.lease, 2, worker="w1", pid=pid)
    leases = [claim.lease, *(one.lease for one in more)]
    id = claim.lease.ref.id.encode()
    empty = process.series._at(0)
    since_s = LONG_S if is_long else time.monotonic() + 3600
    process.series._note(type(empty)(pid, since_s, 2, False, id, claim.lease.token))
    return leases


@pytest.fixture
def busy(process: Process) -> Iterator[int]:
    """Another process of the pool, which is at a job."""
    told, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        with process.handover.at_work():
            os.write(tell, b"x")
            signal.pause()
        os._exit(0)
    os.read(told, 1)
    yield pid
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(told)
    os.close(tell)


def test_those_behind_a_long_one_are_taken_back(process: Process, busy: int, kept: object) -> None:
    """They are in line again, first, and the process cannot begin them; the long one goes on."""
    running, *waiting = begun(process, busy)
    wait_until(lambda: [lease for lease, _ in process.ledger.held("w1")] == [running], 20)
    one = process.series.of(busy)
    assert one is not None
    assert one.is_taken_back
    assert {process.records()[n].state for n in (1, 2)} == {JobState.QUEUED}
    assert [lease.ref for lease in waiting] == process.refs[1:3]
    process.series.forget(busy)
    process.ledger.finish(running, DONE, None)
    process.work()


def test_a_dead_process_has_lost_what_it_ran_and_nothing_else(
    process: Process, busy: int, kept: queue.SimpleQueue[tuple[int | None, str]]
) -> None:
    """Of what it had claimed besides, nobody counts an attempt."""
    leases = begun(process, busy, is_long=False)
    assert len(process.ledger.held("w1")) == len(leases) == 3
    kept.put((busy, "signal 9"))
    wait_until(lambda: process.ledger.held("w1") == [], 20)
    ends = [[past.end for past in record.past_attempts] for record in process.records()[:3]]
    assert ends == [[AttemptEnd.LOST], [AttemptEnd.RETURNED], [AttemptEnd.RETURNED]]
    wait_until(lambda: process.series.of(busy) is None, 20)
    process.work()


def test_one_that_is_cancelled_behind_another_is_not_run(
    process: Process, busy: int, kept: object
) -> None:
    """Its process looks again, and hands back what it has besides."""
    running, cancelled, last = begun(process, busy, is_long=False)
    process.ledger.cancel(cancelled.ref)
    wait_until(lambda: (one := process.series.of(busy)) is not None and one.is_taken_back, 20)
    held = [lease for lease, _ in process.ledger.held("w1")]
    assert sorted(held) == sorted([running, last])
    process.series.forget(busy)
    process.ledger.finish(running, DONE, None)
    process.ledger.hand_back("w1", [last], "as its process does")
    process.work()
    assert cancelled.ref.id not in process.performer.ran
