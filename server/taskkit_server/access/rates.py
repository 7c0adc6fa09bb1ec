"""How often one user may ask."""

from __future__ import annotations

import math
import time
from functools import cached_property
from typing import TYPE_CHECKING

from taskkit.protocol.errors import TooManyRequests

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import MovingWindowRateLimiter

BURST_S = 10
"""What may be asked in so many seconds may come at once: a notebook begins with a burst."""


class Rates:
    """Counts each user's requests over a moving window; this server's alone, in its memory.

    requests_per_s: how many a second are answered for long; None where that does not matter.
    what: whose requests are counted, as it is told.
    """

    def __init__(self, requests_per_s: float | None, what: str = "one user") -> None:
        self._what = what
        self._requests_per_s = requests_per_s

    def require(self, user: str) -> None:
        """Count a request.

        Raises:
            TooManyRequests: It is one too many; it does not count.
        """
        if self._requests_per_s is None:
            return
        limiter, most = self._limited
        if limiter.hit(most, user):
            return
        reset_at = limiter.get_window_stats(most, user).reset_time
        wait_s = max(1, math.ceil(reset_at - time.time()))
        raise TooManyRequests(
            f"{self._what} may ask this server {most.amount:,} times in {BURST_S} seconds: "
            f"ask again in {wait_s} s",
            retry_after_s=wait_s,
        )

    @cached_property
    def _limited(self) -> tuple[MovingWindowRateLimiter, RateLimitItem]:
        # Here, for most servers limit nobody, and would start later by its 40 modules.
        from limits import RateLimitItemPerSecond
        from limits.storage import MemoryStorage
        from limits.strategies import MovingWindowRateLimiter

        assert self._requests_per_s is not None  # noqa: S101
        most = max(1, round(self._requests_per_s * BURST_S))
        limiter = MovingWindowRateLimiter(MemoryStorage())
        return limiter, RateLimitItemPerSecond(most, BURST_S)
