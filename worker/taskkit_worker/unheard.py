"""Attempts that were finished without waiting for what became of that."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from taskkit.ledger import Lease, Ledger, Ran, Write
from taskkit.protocol.errors import Unavailable

from .performance import Performed


class Unheard:
    """One a pool process. What is sent here is finished, whatever becomes of the process then."""

    def __init__(
        self, ledger: Ledger, worker: str, lose: Callable[[Lease, Exception], None]
    ) -> None:
        self._ledger = ledger
        self._worker = worker
        self._lose = lose
        #: Ends an attempt whose outcome cannot be told.
        self._finisher = ledger.finisher()
        self._sent: list[tuple[Lease, Performed, Ran]] = []
        self._answered: deque[tuple[Lease, Performed, Ran, Write | None]] = deque()
        #: None where nobody knows what became of it.

    def send(self, lease: Lease, performed: Performed, ran: Ran) -> None:
        """Have an attempt be finished."""
        outcome, result, is_retryable, *_ = performed
        self._finisher.send(lease, outcome, result, is_retryable=is_retryable, ran=ran)
        self._sent.append((lease, performed, ran))

    def hear(self) -> None:
        """Hear what became of those that were sent, and see to it that all are finished.

        Raises:
            Unavailable: The ledger does not answer; to be called again.
        """
        if self._sent:
            sent, self._sent = self._sent, []
            answers = self._finisher.answers()
            self._answered += ((*one, answer) for one, answer in zip(sent, answers, strict=True))
        while self._answered:
            lease, performed, ran, answer = self._answered[0]
            if answer is None:
                answer = self._finish(lease, performed, ran)
            if answer is Write.FENCED:
                self._ledger.drop(self._worker, lease)
            self._answered.popleft()

    def _finish(self, lease: Lease, performed: Performed, ran: Ran) -> Write:
        outcome, result, is_retryable, *_ = performed
        try:
            return self._ledger.finish(lease, outcome, result, is_retryable=is_retryable, ran=ran)
        except Unavailable:
            raise
        except Exception as error:  # noqa: BLE001  # the edge around one job
            self._lose(lease, error)
            return Write.DONE
