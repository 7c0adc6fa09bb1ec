"""Ending processes with all that they started."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from pathlib import Path

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


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """Return all that a process has started and that lives, as far as it can be seen at once.

    Linux tells each process's children; psutil would read every process of the machine for them,
    which takes milliseconds, and this is asked for each job. Whoever must not miss one of a family
    that forks meanwhile asks psutil.

    Raises:
        psutil.Error: It does not tell, and there is no such process, or nobody may look.
    """
    if not _TELLS_CHILDREN:
        return process.children(recursive=True)
    found: list[psutil.Process] = []
    unseen = [process.pid]
    while unseen:
        for pid in _children(unseen.pop()):
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append(psutil.Process(pid))
                unseen.append(pid)
    return found


def has_children() -> bool:
    """Return whether this process has any, also such as have ended and were not waited for."""
    if not hasattr(os, "waitid"):  # macOS, before Python 3.13
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _children(pid: int) -> list[int]:
    # Source: proc_pid_task(5): those that a thread has started and that have not been waited for.
    pids: list[int] = []
    with contextlib.suppress(OSError):  # it has ended meanwhile
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                pids += map(int, (thread / "children").read_bytes().split())
    return pids


_TELLS_CHILDREN = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").exists()
# Not where the kernel was built without CONFIG_PROC_CHILDREN, and not on macOS.


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
