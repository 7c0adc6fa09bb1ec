"""A thread that makes calls one after another, for what must not hold up the news."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

Errand = Callable[[], object]


class Errands:
    """One thread, begun when first needed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: queue.SimpleQueue[Errand | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._is_over = False
        self._thread: threading.Thread | None = None

    def run(self, errand: Errand) -> None:
        """Make a call soon, after those that were given before; once stopped, here and now."""
        with self._lock:
            if not self._is_over:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                    self._thread.start()
                self._waiting.put(errand)
                return
        errand()

    def stop(self) -> None:
        """End after the calls that were given; returns at once."""
        with self._lock:
            self._is_over = True
            self._waiting.put(None)

    def _run(self) -> None:
        while (errand := self._waiting.get()) is not None:
            errand()
            del errand  # what it holds is not to be kept while this waits
