"""Sends what a running attempt says, at most ten times a second, and always the last of it."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from taskkit.inside.place import listening
from taskkit.ledger import Lease, Write
from taskkit.logs import with_facts
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.events import Event, OutputWritten, ProgressReported
from taskkit.travel.chunks import RELEASED, kept_calls

from .output import OutputFile
from .owns_blobs import OwnsBlobs
from .said import Report, Said
from .usage import UsageMeter

logger = logging.getLogger(__name__)

INTERVAL_S = 0.125
"""How often is sent what goes on changing."""

LOOK_S = 0.01
"""How often it is looked whether something was reported. What then stays as it is for as long, as
the last value of a loop does, is sent at once, as far as `MOST_A_SECOND` allows."""

MOST_A_SECOND = 10


class Takes(Protocol):
    """What takes what an attempt says: a ledger, or who passes it on to one."""

    def append(self, lease: Lease, number: int, events: Sequence[Event]) -> Write:
        """Take a batch; see `Ledger`."""


class Reporter:
    """One a pool process; its thread sleeps while no job runs."""

    def __init__(self, ledger: Takes, blobs: OwnsBlobs) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._output = OutputFile()
        self._sending = threading.Lock()
        self._is_running = threading.Event()
        self._lease: Lease | None = None
        self._number = 0
        self._unsent: list[Event] = []
        self._meter = UsageMeter()
        self._said = Said(self._meter)
        self._seen: Report | None = None
        #: The latest at the last look.
        self._tried_at = -math.inf
        #: When it was last looked whether there is anything to send.
        # One less, for that which is due whatever came before it.
        self._sent_at = deque([-math.inf] * (MOST_A_SECOND - 1), maxlen=MOST_A_SECOND - 1)
        self._is_released = False
        #: Whether it was told that a chunk makes no more calls.
        self._thread: threading.Thread | None = None

    @contextmanager
    def reporting(self, lease: Lease) -> Iterator[None]:
        """Report progress and output of the attempt that runs within the block."""
        self._lease, self._number, self._unsent = lease, 0, []
        self._said, self._seen = Said(self._meter, self._blobs.of(lease.ref.owner)), None
        self._is_released = False
        self._tried_at = time.monotonic()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="taskkit-report", daemon=True)
            self._thread.start()
        try:
            with self._output.capturing(), listening(self._said):
                self._is_running.set()
                yield
        finally:
            self._is_running.clear()
            with self._sending:
                pass

    def flush(self) -> bool:
        """Send all that is left after an attempt; return whether the lease still held.

        Raises:
            Unavailable: The ledger does not answer, or a figure cannot be kept; nothing is lost,
                call it again.
        """
        with self._sending:
            while self._collect(is_last=True):
                if not self._send():
                    return False
        return True

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._is_running.wait()
            pause.wait(LOOK_S)
            self._look(time.monotonic())

    def _look(self, now: float) -> None:
        if self._is_due(now):
            with self._sending:
                if self._is_running.is_set():
                    self._try(now)

    def _is_due(self, now: float) -> bool:
        before, self._seen = self._seen, self._said.latest
        if not (self._is_released or self._unsent) and kept_calls() is not None:
            return True
        if now - self._tried_at >= INTERVAL_S:
            return True
        is_at_rest = self._said.is_unsent and self._seen is before
        return is_at_rest and now - self._sent_at[0] >= 1.0

    def _try(self, now: float) -> None:
        self._tried_at = now
        try:
            if not self._collect():
                return
            self._sent_at.append(now)
            if not self._send():
                self._is_running.clear()  # fenced: nobody wants to know any more
        except Unavailable:
            return  # what is unsent stays, and output waits in its file
        except Exception:  # the edge of this thread: it must live on
            job = self._lease.ref.id if self._lease else None
            logger.exception("a report was dropped", extra=with_facts(job=job))
            self._unsent = []

    def _collect(self, *, is_last: bool = False) -> bool:
        # A batch that may have arrived is sent again as it was, under its number.
        if not self._unsent:
            said = self._said.take(is_last=is_last)  # may raise: nothing else is taken before it
            kept = None if self._is_released or is_last else kept_calls()
            if kept is not None:
                self._is_released = True
                self._unsent.append(ProgressReported(done=kept - 1, total=kept, message=RELEASED))
            text = self._output.take(is_last=is_last)
            if text:
                self._unsent.append(OutputWritten(text=text))
            self._unsent += said
            self._number += bool(self._unsent)
        return bool(self._unsent)

    def _send(self) -> bool:
        assert self._lease is not None  # noqa: S101
        answer = self._ledger.append(self._lease, self._number, self._unsent)
        self._unsent = []
        return answer is not Write.FENCED
