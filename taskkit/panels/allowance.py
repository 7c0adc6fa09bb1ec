"""How much the panels of a kernel may send in pictures, so that its output is not cut off."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

BYTES_A_SECOND = 300_000
BURST_BYTES = 1_000_000
"""A Jupyter server drops a kernel's whole output above 1,000,000 bytes a second, as an average of
three seconds: `iopub_data_rate_limit` and `rate_limit_window`. A third of that is left to cells."""


class Allowance:
    """A bucket that fills as time goes by, and from which is taken what is sent."""

    def __init__(
        self,
        bytes_a_second: float = BYTES_A_SECOND,
        burst_bytes: float = BURST_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rate = bytes_a_second
        self._burst = burst_bytes
        self._clock = clock
        self._left = burst_bytes
        self._at = clock()
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Return whether so much may be sent now, and count it if so.

        What is larger than a whole bucket may be sent from a full one; others wait the longer.
        """
        with self._lock:
            now = self._clock()
            self._left = min(self._burst, self._left + self._rate * (now - self._at))
            self._at = now
            if self._left < min(size, self._burst):
                return False
            self._left -= size
            return True


ALLOWANCE = Allowance()
"""The kernel's own."""
