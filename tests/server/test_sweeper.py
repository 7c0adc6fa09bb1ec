"""The sweeper: due jobs are woken again, whatever happened to their first message."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from serving import FadingLedger, RecordingDispatch, queued

from taskkit.ledger import JobRef
from taskkit.ledger.memory import MemoryLedger
from taskkit_server.upkeep.sweeper import Sweeper

LIMIT_S = 30.0


def test_a_job_whose_message_was_lost_is_woken_and_noted() -> None:
    """Once; then it has its back-off before it."""
    time_ms = [1_000_000]
    ledger = MemoryLedger(clock=lambda: time_ms[0])
    dispatch = RecordingDispatch(is_empty=False)
    sweeper = Sweeper(ledger, dispatch, 60)  # type: ignore[arg-type]
    ref = queued(ledger)
    sweeper.sweep()
    assert dispatch.woken == []
    time_ms[0] += 31_000
    sweeper.sweep()
    sweeper.sweep()
    assert dispatch.woken == [ref]
    time_ms[0] += 10_000
    sweeper.sweep()
    assert dispatch.woken == [ref]


def test_a_wake_up_that_was_not_taken_stays_due() -> None:
    """It is not noted as published."""
    time_ms = [1_000_000]
    ledger = MemoryLedger(clock=lambda: time_ms[0], publish_grace_s=0)
    dispatch = RecordingDispatch(is_away=True)
    sweeper = Sweeper(ledger, dispatch, 60)  # type: ignore[arg-type]
    ref = queued(ledger)
    sweeper.sweep()
    dispatch.is_away = False
    time_ms[0] += 6_000
    sweeper.sweep()
    assert dispatch.woken == [ref]


def test_a_long_queue_is_not_flooded_with_wake_ups() -> None:
    """As many are sent as are missing: who takes one begins whichever job is next."""
    time_ms = [1_000_000]
    ledger = MemoryLedger(clock=lambda: time_ms[0])
    dispatch = RecordingDispatch(is_empty=False, held=8)
    sweeper = Sweeper(ledger, dispatch, 60)  # type: ignore[arg-type]
    for _ in range(10):
        queued(ledger)
    time_ms[0] += 31_000
    sweeper.sweep()
    assert len(dispatch.woken) == 2
    dispatch.held = 10
    time_ms[0] += 31_000
    sweeper.sweep()
    assert len(dispatch.woken) == 2


def test_what_was_spared_is_looked_at_again_when_messages_are_lost() -> None:
    """At once where the queue is empty, later where it only has too few."""
    time_ms = [1_000_000]
    ledger = MemoryLedger(clock=lambda: time_ms[0])
    dispatch = RecordingDispatch(is_empty=False, held=5)
    sweeper = Sweeper(ledger, dispatch, 60)  # type: ignore[arg-type]
    refs = {queued(ledger) for _ in range(5)}
    time_ms[0] += 31_000
    sweeper.sweep()
    assert dispatch.woken == []
    dispatch.is_empty, dispatch.held = True, 0
    time_ms[0] += 11_000
    sweeper.sweep()
    assert set(dispatch.woken) == refs


class Failing(RecordingDispatch):
    """Breaks at its first use, and notes when it is used again."""

    def __init__(self) -> None:
        super().__init__()
        self.uses = 0
        self.was_used_again = threading.Event()

    def empty_of(self, queues: Iterable[str]) -> list[str]:
        self.uses += 1
        if self.uses == 1:
            raise ZeroDivisionError("a bug")
        self.was_used_again.set()
        return super().empty_of(queues)


def test_a_sweep_that_fails_is_not_the_last(ledger: FadingLedger) -> None:
    """Else one bad moment would end all repairs."""
    dispatch = Failing()
    sweeper = Sweeper(ledger, dispatch, 0.01)  # type: ignore[arg-type]
    sweeper.start()
    assert dispatch.was_used_again.wait(LIMIT_S)
    sweeper._is_over.set()


def test_a_dead_attempt_is_given_to_others() -> None:
    """A lease that ended is found and its job woken in the same sweep."""
    time_ms = [1_000_000]
    ledger = MemoryLedger(clock=lambda: time_ms[0])
    dispatch = RecordingDispatch()
    ref: JobRef = queued(ledger)
    assert ledger.claim(ref, worker="w", pid=1) is not None
    time_ms[0] += 31_000
    Sweeper(ledger, dispatch, 60).sweep()  # type: ignore[arg-type]
    assert dispatch.woken == [ref]
