"""Processes that a test starts and that are not left over when the test's own process is killed."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
# Source: prctl(2). Kept by exec; the signal comes when the thread that started the process ends.

_libc = ctypes.CDLL(None)


def no_orphan(dies_by: signal.Signals) -> Callable[[], None]:
    """Return a `preexec_fn`: the process gets this signal when who started it is gone (Linux)."""

    def bind() -> None:
        if sys.platform == "linux":
            _libc.prctl(PR_SET_PDEATHSIG, dies_by)

    return bind
