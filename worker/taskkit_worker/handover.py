"""The moment between two jobs of a pool process, in which nobody may be ended for the first one.

Whoever wants to end a job's process holds the process's place, so that it cannot begin another job
meanwhile. A place is one byte of a file that main process and pool share, locked by `fcntl`: such
locks belong to processes, need no clean-up, and go with a process that dies.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

_AT_WORK = 1 << 23  # more than any process id


class Handover:
    """Made by a worker's main process; its pool processes inherit it."""

    def __init__(self) -> None:
        with tempfile.TemporaryFile(prefix="taskkit-handover-") as file:
            self._fd = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._fd)

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """Hold this process's own place while it begins a job; wait for it where it is held."""
        fcntl.lockf(self._fd, fcntl.LOCK_EX, 1, os.getpid())
        try:
            yield
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, os.getpid())

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Show for as long as this process may hold a job that it does."""
        fcntl.lockf(self._fd, fcntl.LOCK_EX, 1, _AT_WORK + os.getpid())
        try:
            yield
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, _AT_WORK + os.getpid())

    def is_at_work(self, pid: int) -> bool:
        """Return whether another process shows that; one that is dead does not."""
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _AT_WORK + pid)
        except OSError:
            return True
        fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, _AT_WORK + pid)
        return False

    @contextmanager
    def holding(self, pid: int) -> Iterator[bool]:
        """Hold another process's place where it can be had at once; True while it is held."""
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, pid)
        except OSError:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, pid)
