"""A process that ends with the one that started it."""

from __future__ import annotations

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1
# Source: prctl(2). Cleared by fork, kept by exec; it comes when the thread ends that has started
# this process, too.


def die_with_parent(number: signal.Signals) -> None:
    """Have the kernel send this process a signal when its parent ends; on Linux, else nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, number)
