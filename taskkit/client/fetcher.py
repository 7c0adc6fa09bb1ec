"""Brings outcomes that are too large for an event, without holding up the events behind them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from ..protocol.errors import NotReachable, Unavailable
from .errands import Errands

FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 5.0


class Fetcher:
    """One thread a client, begun when first needed."""

    def __init__(self) -> None:
        self._errands = Errands("taskkit-fetch")
        self._is_over = threading.Event()

    def run(self, errand: Callable[[], None]) -> None:
        """Do `errand` soon, and again for as long as the server is away."""
        self._errands.run(partial(self._patiently, errand))

    def stop(self) -> None:
        """End after the errand under way."""
        self._is_over.set()
        self._errands.stop()

    def _patiently(self, errand: Callable[[], None]) -> None:
        wait_s = FIRST_WAIT_S
        while not self._is_over.is_set():
            try:
                errand()
                return
            except (NotReachable, Unavailable):
                self._is_over.wait(wait_s)
                wait_s = min(LONGEST_WAIT_S, 2 * wait_s)
