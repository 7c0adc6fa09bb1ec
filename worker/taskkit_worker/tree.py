"""Ending processes with all that they started."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

import psutil

PR_SET_CHILD_SUBREAPER = 36
# Source: prctl(2). Orphans below a process become its own children, not those of init.

_ROUNDS = 20


def adopt_orphans() -> None:
    """Stay the ancestor of all that this process starts, also where a parent in between ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_tree(pid: int) -> None:
    """Kill a process and its descendants; none that ignores signals or forks is left.

    Each is stopped first, so that it cannot start another while the list is made.

    Raises:
        psutil.NoSuchProcess: There is no such process.
    """
    root = psutil.Process(pid)
    root.suspend()
    victims = _stopped_descendants(root)
    for victim in (*victims, root):
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()


def end_descendants() -> None:
    """Kill all that this process has started, and wait for those that are its children."""
    for victim in (victims := _stopped_descendants(psutil.Process())):
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()
    for victim in victims:
        # Those further down become this process's own children as their parents end.
        with contextlib.suppress(ChildProcessError):
            os.waitpid(victim.pid, 0)


def _stopped_descendants(root: psutil.Process) -> list[psutil.Process]:
    seen: dict[int, psutil.Process] = {}
    for _ in range(_ROUNDS):
        new = [each for each in root.children(recursive=True) if each.pid not in seen]
        if not new:
            break
        for each in new:
            seen[each.pid] = each
            with contextlib.suppress(psutil.NoSuchProcess):
                each.suspend()
    return list(seen.values())
