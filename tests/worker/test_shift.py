"""What a pool process does between two messages of Celery's, on the ledger in memory."""

from __future__ import annotations

import os
import secrets

import pytest

from taskkit.ledger import JobRef
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.spec import JobSpec
from taskkit_server.messages import Messages
from taskkit_worker import shift as shift_module
from taskkit_worker.app import create_app
from taskkit_worker.shift import SharedFlag, Shift

FIRST = JobRef("ada", "1" * 32)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shift_module, "LINGER_S", 0.01)


def queued(ledger: MemoryLedger) -> JobRef:
    """Make a job whose message waits in the queue, as a server does."""
    messages = Messages(create_app("redis://nowhere"))
    key = secrets.token_hex(8)
    [made] = ledger.submit("ada", [(key, JobSpec(task="demo"))], message=messages.message)
    return JobRef("ada", made.record.id)


def test_it_takes_what_is_in_the_queue_and_goes() -> None:
    """In order, the job that Celery brought first."""
    ledger, ran = MemoryLedger(), list[JobRef]()
    waiting = [queued(ledger), queued(ledger)]
    Shift(ledger, ran.append, lambda: False).work(FIRST)
    assert ran == [FIRST, *waiting]
    assert not ledger.queue


def test_a_worker_that_stops_takes_nothing_more() -> None:
    """What is in the queue is for the others."""
    ledger, ran = MemoryLedger(), list[JobRef]()
    queued(ledger)
    flag = SharedFlag()

    def run(ref: JobRef) -> None:
        ran.append(ref)
        flag.set()

    Shift(ledger, run, flag.is_set).work(FIRST)
    assert ran == [FIRST]
    assert len(ledger.queue) == 1


def test_it_goes_back_to_celery_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However much there is to do, since Celery looks at the process's memory then."""
    monkeypatch.setattr(shift_module, "SHIFT_S", 0.0)
    ledger, ran = MemoryLedger(), list[JobRef]()
    queued(ledger)
    Shift(ledger, ran.append, lambda: False).work(FIRST)
    assert ran == [FIRST]


def test_a_foreign_message_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    """It is dropped with a word in the worker's log, as Celery would."""
    for text in (
        "{",
        "[]",
        '{"headers": {"task": "other"}}',
        '{"headers": {"task": 7}, "body": 1}',
    ):
        ledger, ran = MemoryLedger(), list[JobRef]()
        ledger.queue.append(text)
        Shift(ledger, ran.append, lambda: False).work(FIRST)
        assert ran == [FIRST]
        assert "none of taskkit's" in caplog.text
        caplog.clear()


class Away(MemoryLedger):
    """Redis went away while a job ran."""

    def take(self, timeout_s: float) -> str | None:
        raise Unavailable


def test_a_redis_that_is_away_is_left_to_celery() -> None:
    """Which waits for it; the process goes back."""
    ran: list[JobRef] = []
    Shift(Away(), ran.append, lambda: False).work(FIRST)
    assert ran == [FIRST]


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
