"""What a pool process does between two messages of Celery's, on the ledger in memory."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from taskkit.ledger import Claim, Full, JobRef, Lease
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol.broker import wake_up
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.events import JobSucceeded
from taskkit.protocol.jobs import ResultInfo
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.wire import JSON
from taskkit.protocol.workers import WorkerInfo
from taskkit_worker import shift as shift_module
from taskkit_worker.shift import SharedFlag, Shift

FIRST = JobRef("ada", "1" * 32)
DONE = JobSucceeded(result=ResultInfo(media_type=JSON, size_bytes=4))


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shift_module, "LINGER_S", 0.01)


class Ran:
    """Notes which jobs it was to run; each ends at once, and the next is claimed if wanted."""

    def __init__(self, ledger: MemoryLedger, after_each: Callable[[], None] = lambda: None) -> None:
        self.refs: list[JobRef] = []
        self._ledger = ledger
        self._after_each = after_each

    def begin(self, queue: str, *, has_waited: bool = False) -> Claim | Full | None:
        """Claim a job; the one of the queue that Celery brings is unknown to the ledger."""
        if queue == "celery":
            return Claim(lease=Lease(FIRST, 1), spec=JobSpec(task="demo"))
        process = {"worker": "w1", "pid": os.getpid(), "has_waited": has_waited}
        return self._ledger.claim_next(queue, **process)

    def rise(self, woken: tuple[str, str] | None) -> Claim | Full | None:
        """Return what was handed over, or claim what a message told of."""
        return self._ledger.rise(worker="w1", pid=os.getpid(), woken=woken)

    def run(self, claim: Claim, wants_another: Callable[[], bool]) -> Claim | Full | None:
        """End it."""
        self.refs.append(claim.lease.ref)
        self._after_each()
        if not wants_another() or claim.lease.ref == FIRST:
            self._ledger.finish(claim.lease, DONE, None)
            return None
        process = {"worker": "w1", "pid": os.getpid(), "wait_s": 3600.0}
        return self._ledger.finish_and_claim(claim.lease, DONE, None, **process)[1]


def queued(ledger: MemoryLedger) -> JobRef:
    """Make a job whose message waits in the queue, as a server does."""
    key = secrets.token_hex(8)
    [made] = ledger.submit("ada", [(key, JobSpec(task="demo"))], message=wake_up)
    return JobRef("ada", made.record.id)


def test_it_takes_what_is_in_the_queue_and_goes() -> None:
    """In order, the job that Celery brought first."""
    ledger = MemoryLedger()
    ran = Ran(ledger)
    waiting = [queued(ledger), queued(ledger)]
    Shift(ledger, ran, lambda: False).work("celery")
    assert ran.refs == [FIRST, *waiting]
    assert not ledger.messages["default"]


def test_a_worker_that_stops_takes_nothing_more() -> None:
    """What is in the queue is for the others."""
    ledger = MemoryLedger()
    ran = Ran(ledger)
    queued(ledger)
    flag = SharedFlag()
    ran = Ran(ledger, flag.set)
    Shift(ledger, ran, flag.is_set).work("celery")
    assert ran.refs == [FIRST]
    assert len(ledger.messages["default"]) == 1


def test_it_goes_back_to_celery_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much there is to do, since Celery looks at the process's memory then."""
    monkeypatch.setattr(shift_module, "SHIFT_S", 0.0)
    ledger = MemoryLedger()
    ran = Ran(ledger)
    queued(ledger)
    Shift(ledger, ran, lambda: False).work("celery")
    assert ran.refs == [FIRST]


def test_a_foreign_message_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    """It is dropped with a word in the worker's log, as Celery would."""
    for text in (
        "{",
        "[]",
        '{"headers": {"task": "other"}}',
        '{"headers": {"task": 7}, "body": 1}',
    ):
        ledger = MemoryLedger()
        ran = Ran(ledger)
        ledger.messages["default"].append(text)
        Shift(ledger, ran, lambda: False).work("celery")
        assert ran.refs == [FIRST]
        assert "none of taskkit's" in caplog.text
        caplog.clear()


class Away(MemoryLedger):
    """Redis went away while a job ran."""

    def take(self, timeout_s: float, queues: Sequence[str] = (), **process: Any) -> None:
        raise Unavailable


def test_a_redis_that_is_away_is_left_to_celery() -> None:
    """Which waits for it; the process goes back."""
    away = Away()
    ran = Ran(away)
    Shift(away, ran, lambda: False).work("celery")
    assert ran.refs == [FIRST]


class Handing(MemoryLedger):
    """Hands the process a job while it waits for one, and may fail to tell of it."""

    def __init__(self, *, is_heard: bool = True) -> None:
        super().__init__()
        self.join(WorkerInfo(name="w1", host="lab", pid=1, processes=1, python="3.11.7"))
        self.is_heard = is_heard
        self.made: list[JobRef] = []

    def take(self, timeout_s: float, queues: Sequence[str] = (), **process: Any) -> Any:
        if len(self.made) < 3:
            self.made.append(queued(self))
        if not self.is_heard:
            raise Unavailable
        return super().take(timeout_s, queues, **process)


@pytest.mark.parametrize("is_heard", [True, False])
def test_what_is_handed_to_it_is_run(is_heard: bool) -> None:
    """Also where the connection broke on which it was told, and it would go back to Celery."""
    ledger = Handing(is_heard=is_heard)
    ran = Ran(ledger)
    first = queued(ledger)
    Shift(ledger, ran, lambda: False, worker="w1").work("default")
    assert ran.refs == [first, *ledger.made]
    assert len(ledger.made) == 3
    assert not ledger.messages["default"]


def test_what_was_handed_to_one_that_goes_is_run() -> None:
    """Its shift was over between the end of a job and the wait for the next."""
    ledger = Handing()
    answers = iter([True, False])

    class Late(Ran):
        def rise(self, woken: tuple[str, str] | None) -> Claim | Full | None:
            if not ledger.made:
                ledger.made.append(queued(ledger))
            return super().rise(woken)

    ran = Late(ledger)
    first = queued(ledger)
    Shift(ledger, ran, lambda: not next(answers, False), worker="w1").work("default")
    assert ran.refs == [first, *ledger.made]
    assert len(ledger.made) == 1
    queued(ledger)
    assert len(ledger.messages["default"]) == 1


def test_a_flag_reaches_the_processes_forked_before_it_is_set() -> None:
    """As the pool's are."""
    flag = SharedFlag()
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:  # the process of a pool
        os.read(told, 1)
        os._exit(int(flag.is_set()))
    assert not flag.is_set()
    flag.set()
    os.write(tell, b"x")
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 1
    os.close(told)
    os.close(tell)
