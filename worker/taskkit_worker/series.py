"""What each pool process runs of several jobs that it has claimed at once, for its keeper to see.

The keeper takes back those behind one that takes long. It does so while it holds the process's
place, in which the process notes which one runs: none is run here that is given to others.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from dataclasses import dataclass

from taskkit.ledger import Lease

SLOTS = 256
"""A process has that of its number; where another has it at the moment, it claims one at a time."""

_SLOT = struct.Struct("=qdH?x32sq")


@dataclass(frozen=True, slots=True)
class Running:
    """One job of a series."""

    pid: int
    since_s: float
    #: By `time.monotonic`, which all processes of a machine share.
    left: int
    #: How many come after it.
    is_taken_back: bool
    #: Those.
    id: bytes
    token: int

    def is_at(self, lease: Lease) -> bool:
        """Return whether that is what runs."""
        return (self.id, self.token) == (lease.ref.id.encode(), lease.token)


class Series:
    """Made by a worker's main process; its pool processes share it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, SLOTS * _SLOT.size)

    # For a pool process, which holds its own place meanwhile; see `Handover.beginning`

    def begin(self, lease: Lease, left: int) -> bool:
        """Note that this job runs from now on; False where it was taken back, or cannot be noted.

        left: how many come after it.
        """
        pid = os.getpid()
        before = self._at(pid)
        if before.pid not in (0, pid) or before.is_taken_back:
            return False
        now = time.monotonic()
        self._note(Running(pid, now, left, False, lease.ref.id.encode(), lease.token))
        return True

    def end(self) -> None:
        """Note that this process has no series any more."""
        self.forget(os.getpid())

    # For the main process

    def running(self) -> list[Running]:
        """Return what runs of each series."""
        slots = _SLOT.iter_unpack(self._memory[:])
        return [Running(*slot) for slot in slots if slot[0]]

    def of(self, pid: int) -> Running | None:
        """Return what runs of a process's series, if it has one."""
        found = self._at(pid)
        return found if found.pid == pid else None

    def take_back(self, one: Running) -> None:
        """Have the process not run those that come after it; its place must be held."""
        self._note(Running(one.pid, one.since_s, one.left, True, one.id, one.token))

    def forget(self, pid: int) -> None:
        """Note that a process has no series any more."""
        if self._at(pid).pid == pid:
            at = pid % SLOTS * _SLOT.size
            self._memory[at : at + _SLOT.size] = bytes(_SLOT.size)

    def _at(self, pid: int) -> Running:
        return Running(*_SLOT.unpack_from(self._memory, pid % SLOTS * _SLOT.size))

    def _note(self, one: Running) -> None:
        told = one.pid, one.since_s, one.left, one.is_taken_back, one.id, one.token
        _SLOT.pack_into(self._memory, one.pid % SLOTS * _SLOT.size, *told)
