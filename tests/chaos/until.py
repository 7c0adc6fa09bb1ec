"""`until`: the one way in which chaos tests wait."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(is_so: Callable[[], object], limit_s: float = 5.0, *, what: str = "it") -> None:
    """Return as soon as `is_so()` is true.

    Raises:
        AssertionError: It is not after `limit_s`; `what` names it.
    """
    limit = time.monotonic() + limit_s
    while not is_so():
        if time.monotonic() > limit:
            raise AssertionError(f"{what} did not come true in {limit_s:g} s")
        time.sleep(0.005)
