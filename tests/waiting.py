"""`wait_until`: how tests of real processes wait."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LIMIT_S = 60.0


def wait_until(
    condition: Callable[[], bool], limit_s: float = LIMIT_S, *, look_every_s: float = 0.05
) -> None:
    """Return when `condition` holds; fail when the time is over."""
    deadline, pause = time.monotonic() + limit_s, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        pause.wait(look_every_s)
