"""How often one user may ask."""

from __future__ import annotations

import math
import time

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from taskkit.protocol.errors import TooManyRequests

BURST_S = 10
"""What may be asked in so many seconds may come at once: a notebook begins with a burst."""


class Rates:
    """Counts each user's requests over a moving window; this server's alone, in its memory.

    requests_per_s: how many a second are answered for long; None where that does not matter.
    """

    def __init__(self, requests_per_s: float | None) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._most = None
        if requests_per_s is not None:
            self._most = RateLimitItemPerSecond(max(1, round(requests_per_s * BURST_S)), BURST_S)

    def require(self, user: str) -> None:
        """Count a request.

        Raises:
            TooManyRequests: It is one too many; it does not count.
        """
        if self._most is None or self._limiter.hit(self._most, user):
            return
        reset_at = self._limiter.get_window_stats(self._most, user).reset_time
        wait_s = max(1, math.ceil(reset_at - time.time()))
        raise TooManyRequests(
            f"one user may ask this server {self._most.amount:,} times in {BURST_S} seconds: ask "
            f"again in {wait_s} s",
            retry_after_s=wait_s,
        )
