"""Workers come, are heard of, are woken and go; everybody may see them."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Signal
from threading import Thread
from typing import Any

import pytest

from taskkit.ledger import JobRef, Lease, Ledger, Write
from taskkit.protocol.events import Event, JobSucceeded, WorkerJoined, WorkerLeft
from taskkit.protocol.jobs import JobState, ResultInfo
from taskkit.protocol.spec import WORKERS_LOG
from taskkit.protocol.workers import TaskInfo, WorkerInfo

Submit = Callable[..., JobRef]
Start = Callable[..., Lease]
Events = Callable[..., list[Event]]
Join = Callable[..., WorkerInfo]

CATALOGUE = (
    TaskInfo(
        name="ising",
        summary="Simulate spins.",
        parameters=("size", "seed"),
        schema={"type": "object", "properties": {"size": {"type": "integer"}}},
        signature="(size: int = 64, *, seed: int = 0) -> dict",
    ),
)

short_silence = pytest.mark.parametrize(
    "timings", [{"worker_silent_s": 0.02}], ids=["short silence"]
)


def test_a_worker_that_joined_is_listed(ledger: Ledger, join: Join, clock: Any) -> None:
    """What it says of itself is kept, and its time is the ledger's."""
    said = join("w1", tasks=CATALOGUE, joined_at=12, jobs=("invented",))
    [worker] = ledger.workers("ada")
    assert (worker.name, worker.host, worker.pid) == (said.name, said.host, said.pid)
    assert (worker.processes, worker.python) == (said.processes, said.python)
    assert worker.tasks == CATALOGUE
    assert worker.jobs == ()
    assert 0 <= clock.now_ms() - worker.joined_at < 60_000


def test_everybody_sees_how_busy_a_worker_is(
    ledger: Ledger, join: Join, submit: Submit, start: Start
) -> None:
    """Of whose jobs, only their owner."""
    join("w1")
    lease = start(worker="w1")
    [seen], [seen_by_others] = ledger.workers("ada"), ledger.workers("bob")
    assert (seen.jobs, seen.busy) == ((lease.ref.id,), 1)
    assert (seen_by_others.jobs, seen_by_others.busy) == ((), 1)
    ledger.lose(lease, "killed")
    ledger.drop("w1", lease)
    assert ledger.workers("bob")[0].busy == 0


def test_joining_is_an_event_once(
    ledger: Ledger, join: Join, events: Events, advance: Callable[[float], None]
) -> None:
    """A join that is repeated renews what the worker says, and appends nothing."""
    join("w1")
    advance(0.002)
    join("w1", tasks=CATALOGUE)
    [event] = events(WORKERS_LOG)
    assert isinstance(event, WorkerJoined)
    assert (event.worker, event.processes, event.python, event.job) == ("w1", 2, "3.12.1", "")
    [worker] = ledger.workers("ada")
    assert worker.tasks == CATALOGUE
    assert worker.joined_at == event.at


def test_a_worker_that_left_is_gone(
    ledger: Ledger, join: Join, submit: Submit, start: Start, events: Events
) -> None:
    """Its attempts are lost with the reason told, and it has to join again."""
    join("w1")
    join("w2")
    lease = start(worker="w1")
    ledger.leave("w1", "warm shutdown")
    assert [worker.name for worker in ledger.workers("ada")] == ["w2"]
    left = events(WORKERS_LOG)[-1]
    assert isinstance(left, WorkerLeft)
    assert left.worker == "w1"
    record = ledger.job(lease.ref)
    assert record is not None
    assert record.state is JobState.QUEUED
    assert "w1" in record.past_attempts[0].cause
    assert "warm shutdown" in record.past_attempts[0].cause
    assert ledger.beat("w1") is None
    assert ledger.held("w1") == []
    assert [due.ref for due in ledger.sweep()] == [lease.ref]


def test_a_reason_of_several_lines_becomes_one_sentence(
    ledger: Ledger, join: Join, start: Start
) -> None:
    """A cause of death is one sentence in the record, whatever the worker's last words were."""
    join("w1")
    lease = start(worker="w1")
    ledger.leave("w1", "warm\n\tshutdown")
    record = ledger.job(lease.ref)
    assert record is not None
    assert record.past_attempts[0].cause == "worker w1 left: warm shutdown"


def test_leaving_is_an_event_once(ledger: Ledger, join: Join, events: Events) -> None:
    """Who is not there cannot leave."""
    ledger.leave("w1", "never came")
    join("w1")
    ledger.leave("w1", "stopped")
    ledger.leave("w1", "stopped again")
    assert [type(event) for event in events(WORKERS_LOG)] == [WorkerJoined, WorkerLeft]


def test_a_worker_may_join_again(ledger: Ledger, join: Join, events: Events) -> None:
    """One that was thought gone comes back with empty hands."""
    join("w1")
    ledger.leave("w1", "stopped")
    join("w1")
    assert ledger.beat("w1") == []
    kinds = [type(event) for event in events(WORKERS_LOG)]
    assert kinds == [WorkerJoined, WorkerLeft, WorkerJoined]


@short_silence
def test_a_silent_worker_leaves_in_a_sweep(
    ledger: Ledger, join: Join, start: Start, advance: Callable[[float], None], events: Events
) -> None:
    """Its attempts are given to others without waiting for their leases to end."""
    join("w1")
    lease = start(worker="w1")
    advance(0.03)
    assert [due.ref for due in ledger.sweep()] == [lease.ref]
    assert ledger.workers("ada") == []
    left = events(WORKERS_LOG)[-1]
    assert isinstance(left, WorkerLeft)
    assert "not heard of" in left.reason
    record = ledger.job(lease.ref)
    assert record is not None
    assert left.reason in record.past_attempts[0].cause


@pytest.mark.parametrize("timings", [{"worker_silent_s": 1.0}], ids=["silence of a second"])
def test_a_beat_is_a_sign_of_life(
    ledger: Ledger, join: Join, advance: Callable[[float], None]
) -> None:
    """Of two workers, the one that beats stays."""
    join("beats")
    join("silent")
    advance(0.6)
    ledger.beat("beats")
    advance(0.6)
    ledger.sweep()
    assert [worker.name for worker in ledger.workers("ada")] == ["beats"]


def test_a_worker_shows_the_jobs_of_the_asker_only(
    ledger: Ledger, join: Join, submit: Submit, start: Start
) -> None:
    """Everybody sees the workers, and of what they run only their own."""
    join("w1")
    ada, bob = start(submit(), worker="w1"), start(submit(owner="bob"), worker="w1", pid=8)
    assert [worker.jobs for worker in ledger.workers("ada")] == [(ada.ref.id,)]
    assert [worker.jobs for worker in ledger.workers("bob")] == [(bob.ref.id,)]
    assert [worker.jobs for worker in ledger.workers("eve")] == [()]


def test_a_finished_job_is_not_shown_at_its_worker(
    ledger: Ledger, join: Join, start: Start
) -> None:
    """What a worker has done it does no longer run."""
    join("w1")
    lease = start(worker="w1")
    outcome = JobSucceeded(result=ResultInfo(media_type="application/json", size_bytes=1))
    assert ledger.finish(lease, outcome, None) is Write.DONE
    assert [worker.jobs for worker in ledger.workers("ada")] == [()]


def test_tasks_are_those_of_all_workers_by_name(ledger: Ledger, join: Join) -> None:
    """A task is offered once, however many workers know it; before the first one, there is none."""
    assert ledger.tasks() == []
    primes, demo = TaskInfo(name="primes"), TaskInfo(name="demo")
    join("w1", tasks=(primes, *CATALOGUE))
    join("w2", tasks=(*CATALOGUE, demo))
    assert ledger.tasks() == [demo, *CATALOGUE, primes]


def test_tasks_of_a_worker_that_left_are_not_offered(ledger: Ledger, join: Join) -> None:
    """While others are there, what only it knew is gone."""
    join("w1", tasks=CATALOGUE)
    join("w2", tasks=(TaskInfo(name="demo"),))
    ledger.leave("w1", "stopped")
    assert [task.name for task in ledger.tasks()] == ["demo"]


def test_the_last_catalogue_outlives_the_workers(ledger: Ledger, join: Join) -> None:
    """While no worker is there, jobs can still be submitted for those that will come back."""
    join("w1", tasks=(TaskInfo(name="demo"),))
    join("w2", tasks=CATALOGUE)
    ledger.leave("w2", "stopped")
    ledger.leave("w1", "stopped")
    assert ledger.tasks() == list(CATALOGUE)


def test_nobody_wakes_an_idle_worker(ledger: Ledger) -> None:
    """The wait ends by itself when its time is over."""
    assert not ledger.wait_wake("w1", 0.05)


def test_a_wait_of_no_time_only_looks(ledger: Ledger, start: Start) -> None:
    """With a limit of 0 the answer comes at once, a wake or none."""
    assert not ledger.wait_wake("w1", 0)
    ledger.cancel(start(worker="w1").ref)
    assert ledger.wait_wake("w1", 0)


def test_cancel_wakes_the_worker_that_runs_the_job(
    ledger: Ledger, submit: Submit, start: Start
) -> None:
    """One wake for one cancel, and for that worker alone; a queued job wakes nobody."""
    lease = start(worker="w1")
    ledger.cancel(submit())
    ledger.cancel(lease.ref)
    ledger.cancel(lease.ref)
    assert not ledger.wait_wake("w2", 0.05)
    assert ledger.wait_wake("w1", 5)
    assert not ledger.wait_wake("w1", 0.05)


def test_cancel_ends_a_wait_that_has_begun(ledger: Ledger, start: Start) -> None:
    """A worker that waits learns of the cancel at once."""
    lease, began, woken = start(worker="w1"), Signal(), []

    def wait() -> None:
        began.set()
        woken.append(ledger.wait_wake("w1", 60))

    waiting = Thread(target=wait)
    waiting.start()
    assert began.wait(30)
    ledger.cancel(lease.ref)
    waiting.join(30)
    assert woken == [True]
