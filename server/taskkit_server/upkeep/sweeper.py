"""Repairs, again and again, whatever died: any server may, several do no harm."""

from __future__ import annotations

import logging
import threading

from taskkit.ledger import UNLIMITED, Ledger, Limits
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
            if self._dispatch.wake(due):
                self._ledger.published([one.ref for one in due])
        self._metrics.swept(is_done=True, woken=len(due))

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
