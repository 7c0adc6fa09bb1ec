"""How often a transfer is taken up again."""

from __future__ import annotations

from collections.abc import Callable

TRIES = 6
"""How often in a row without one byte more."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 5.0


class Patience:
    """Ends when a transfer has not gone on for some tries; the pauses between them grow."""

    def __init__(self, pause: Callable[[float], object]) -> None:
        self._pause = pause
        self._furthest = -1
        self._failed = 0

    def went_on(self, offset: int) -> None:
        """Note how far it is; further than ever begins the count anew."""
        if offset > self._furthest:
            self._furthest, self._failed = offset, 0

    def wait(self, error: Exception) -> None:
        """Wait after a failed try; raise `error` after the last."""
        self._failed += 1
        if self._failed >= TRIES:
            raise error
        self._pause(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (self._failed - 1)))
