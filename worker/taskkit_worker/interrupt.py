"""SIGINT in a pool process: ends the job that was cancelled, and no other."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from taskkit.protocol.errors import Unavailable


@contextmanager
def interruptible(is_cancelled: Callable[[], bool]) -> Iterator[None]:
    """Let SIGINT raise `KeyboardInterrupt` within the block where `is_cancelled` says so.

    The keeper sends it; by the time it arrives, the process may have gone on to its next job, so
    the ledger is asked first. Where it cannot be asked, the keeper ends the process later.
    Outside the block SIGINT is ignored, as Celery's pool sets it.
    """

    def on_interrupt(_number: int, _frame: FrameType | None) -> None:
        try:
            if not is_cancelled():
                return
        except Unavailable:
            return
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
