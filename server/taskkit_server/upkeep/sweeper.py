"""Repairs, again and again, whatever died: any server may, several do no harm."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Sequence

from taskkit.ledger import UNLIMITED, Due, Ledger, Limits
from taskkit.protocol.errors import Unavailable

from ..metrics.counts import Metrics
from .dispatch import Dispatch

logger = logging.getLogger(__name__)


class Sweeper:
    """One thread a server."""

    def __init__(
        self,
        ledger: Ledger,
        dispatch: Dispatch,
        every_s: float,
        limits: Limits = UNLIMITED,
        metrics: Metrics | None = None,
    ) -> None:
        self._ledger = ledger
        self._dispatch = dispatch
        self._every_s = every_s
        self._limits = limits
        self._metrics = Metrics() if metrics is None else metrics
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="taskkit-sweeper", daemon=True)

    def start(self) -> None:
        """Begin to sweep."""
        self._thread.start()

    def sweep(self) -> None:
        """Do it once."""
        self._ledger.limit(self._limits)  # again and again: a new Redis knows none
        empty = self._dispatch.empty_of(self._ledger.queues())
        due = self._ledger.sweep(empty=empty)
        if due:
            logger.info("waking %d queued jobs again", len(due))
            if self._dispatch.wake(self._missing(due)):
                self._ledger.published([one.ref for one in due])
        self._metrics.swept(is_done=True, woken=len(due))

    def _missing(self, due: Sequence[Due]) -> list[Due]:
        """Return as many of the jobs as wake-ups are missing in their queues.

        A wake-up stands for any job of its queue. Where as many wait as jobs do, none was lost, and
        to send more would fill Redis while a long queue waits: 50,000 messages for 5,000 jobs.
        """
        queued = Counter[str]()
        for load in self._ledger.loads():
            queued[load.queue] += load.queued
        queues = dict.fromkeys(one.queue for one in due)
        room = {queue: queued[queue] - self._dispatch.waiting(queue) for queue in queues}
        missing = []
        for one in due:
            if room[one.queue] > 0:
                room[one.queue] -= 1
                missing.append(one)
        return missing

    def _run(self) -> None:
        while not self._is_over.wait(self._every_s):
            try:
                self.sweep()
            except (Unavailable, OSError) as error:
                logger.warning("not swept: %s", error)
                self._metrics.swept(is_done=False)
            except Exception:  # the edge of this thread: it must live on
                logger.exception("not swept")
                self._metrics.swept(is_done=False)
