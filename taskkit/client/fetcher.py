"""Brings outcomes that are too large for an event, without holding up the events behind them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from ..protocol.errors import NotReachable, Unavailable

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0


class Fetcher:
    """One thread a client, begun when first needed."""

    def __init__(self) -> None:
        self._errands: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_over = threading.Event()

    def run(self, errand: Callable[[], None]) -> None:
        """Do `errand` soon, and again for as long as the server is away."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="taskkit-fetch", daemon=True)
                self._thread.start()
        self._errands.put(errand)

    def stop(self) -> None:
        """End after the errand under way."""
        self._is_over.set()
        self._errands.put(None)

    def _run(self) -> None:
        while True:
            errand = self._errands.get()
            if errand is None:
                return
            wait_s = FIRST_WAIT_S
            while not self._is_over.is_set():
                try:
                    errand()
                    break
                except (NotReachable, Unavailable):
                    self._is_over.wait(wait_s)
                    wait_s = min(LONGEST_WAIT_S, 2 * wait_s)
            del errand
