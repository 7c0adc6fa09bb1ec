"""What a pool process does with a wake-up: a job, and then whatever else is in its queues.

Between two messages Celery's main process takes 2 ms or more, measured, in which the pool process
idles. So a process that ends a job takes the next wake-up from the queue itself: in the same step
where one is there, else it waits for a moment before it goes back to Celery. For that moment the
ledger knows of it, and claims a job that is submitted for it in the same step.
"""

from __future__ import annotations

import logging
import mmap
import os
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from taskkit.ledger import FULL, Claim, Full, Ledger
from taskkit.protocol.broker import own, woken
from taskkit.protocol.errors import DecodeError, Unavailable
from taskkit.protocol.options import DEFAULT_QUEUE

logger = logging.getLogger(__name__)

LINGER_S = 0.25
"""How long an idle process waits for another wake-up. Nothing is withheld from others: it waits in
the same line as Celery's main process."""

ROOM_S = 2.0
"""How often a process looks for room that its worker's other jobs have left it none of; it is told,
too, when one of them ends."""

SHIFT_S = 10.0
"""When a process goes back to Celery at the latest, which looks at its memory."""


class SharedFlag:
    """A flag that a process sets and those that it forks afterwards can read."""

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    def set(self) -> None:
        """Set it, for good."""
        self._byte[0] = 1

    def is_set(self) -> bool:
        """Return whether it is set."""
        return self._byte[0] == 1


class Runs(Protocol):
    """What runs jobs; see `Attempts`."""

    def begin(self, queue: str, *, has_waited: bool = False) -> Claim | Full | None:
        """Claim the job whose turn it is in a queue; None where there is none."""

    def rise(self, woken: tuple[str, str] | None) -> Claim | Full | None:
        """Wait for jobs no more; return the one that was handed over until now, if any.

        woken: a queue in which a job waits and the message that told of it; else that is claimed.
        """

    def run(self, claim: Claim, wants_another: Callable[[], bool]) -> Claim | Full | None:
        """Run what was claimed; return what was claimed when that ended, if it was wanted."""


class Shift:
    """One a pool process."""

    def __init__(
        self,
        ledger: Ledger,
        attempts: Runs,
        is_stopping: Callable[[], bool],
        queues: Sequence[str] = (DEFAULT_QUEUE,),
        *,
        worker: str = "",
        is_left_over: bool = False,
    ) -> None:
        self._is_left_over = is_left_over
        #: Whether wake-ups are left over as a matter of course, since those of jobs that follow one
        #: another are in RabbitMQ, where no script takes them away: for nothing it does not wait.
        self._ledger = ledger
        self._queues = queues
        self._worker = worker
        # What only this worker is woken for comes first.
        self._listens = (own(worker), *queues)
        self._attempts = attempts
        self._is_stopping = is_stopping

    def work(self, queue: str) -> None:
        """Run a job of the queue that Celery's message names, and those that follow it."""
        ends_at = time.monotonic() + SHIFT_S

        def goes_on() -> bool:
            return not self._is_stopping() and time.monotonic() < ends_at

        claim = self._attempts.begin(queue)
        if claim is None and self._is_left_over:
            return
        while True:
            while isinstance(claim, Claim):
                claim = self._attempts.run(claim, goes_on)
            if claim is FULL:
                if not goes_on():
                    return
                claim = self._wait_for_room()
                continue
            came = self._next() if goes_on() else None
            # Whatever came: a job that is handed to this process is run, or nobody would.
            claim = came if isinstance(came, Claim) else self._attempts.rise(came)
            if came is None and claim is None:
                return

    def _wait_for_room(self) -> Claim | Full | None:
        """Wait, away from Celery, which would bring what cannot be run now; then look again."""
        try:
            self._ledger.take(ROOM_S, (), worker=self._worker, pid=os.getpid())
        except Unavailable:
            time.sleep(LINGER_S)
        found = (self._attempts.begin(queue, has_waited=True) for queue in self._queues)
        return next((claim for claim in found if claim is not None), None)

    def _next(self) -> Claim | tuple[str, str] | None:
        """Wait for a job or for a wake-up; return the queue of that and its message."""
        try:
            came = self._ledger.take(LINGER_S, self._listens, worker=self._worker, pid=os.getpid())
            return (woken(came), came) if isinstance(came, str) else came
        except Unavailable:
            return None  # Celery knows how to wait for Redis
        except DecodeError as error:
            logger.warning("a message in the queue is none of taskkit's: %s", error)
            return None
