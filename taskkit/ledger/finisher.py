"""Finishing attempts without waiting for what becomes of that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ..protocol.errors import Unavailable
from ..protocol.events import JobFailed, JobSucceeded
from .terms import Lease, Ran, StoredResult, Write


class Finisher(Protocol):
    """For one thread. What is sent is on its way, whatever becomes of this process then."""

    def send(
        self,
        lease: Lease,
        outcome: JobSucceeded | JobFailed,
        result: StoredResult | None,
        *,
        is_retryable: bool = False,
        ran: Ran | None = None,
    ) -> None:
        """Have an attempt be finished, as by `Ledger.finish`; never raises for a ledger away."""

    def answers(self) -> list[Write | None]:
        """Wait for what became of each that was sent since this was asked last, in their order.

        None where nobody knows: to finish it by `Ledger.finish` does nothing twice.
        """


class AtOnce:
    """Waits each time, for a ledger that cannot do it in another way."""

    def __init__(self, finish: Callable[..., Write]) -> None:
        self._finish = finish
        self._answers: list[Write | None] = []

    def send(
        self,
        lease: Lease,
        outcome: JobSucceeded | JobFailed,
        result: StoredResult | None,
        *,
        is_retryable: bool = False,
        ran: Ran | None = None,
    ) -> None:
        try:
            write = self._finish(lease, outcome, result, is_retryable=is_retryable, ran=ran)
        except Unavailable:
            self._answers.append(None)
        else:
            self._answers.append(write)

    def answers(self) -> list[Write | None]:
        answers, self._answers = self._answers, []
        return answers
