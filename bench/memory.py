"""Memory, as Linux accounts for it: PSS shares out among processes the pages that they share."""

from __future__ import annotations

import os
from pathlib import Path

from .contestants.contestant import Missing


def pss_mb(pid: int) -> float:
    """Return a process's proportional memory in MB; 0 where it has ended.

    Raises:
        Missing: This is not Linux.
    """
    if not Path("/proc/self/smaps_rollup").exists():
        raise Missing("PSS is known on Linux only")
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    kib = next(line.split()[1] for line in text.splitlines() if line.startswith("Pss:"))
    return int(kib) * 1024 / 1e6


def rss_bytes() -> int:
    """Return what of this process is in memory.

    Raises:
        Missing: This is not Linux.
    """
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except FileNotFoundError:
        raise Missing("memory is looked up on Linux only") from None
    return pages * os.sysconf("SC_PAGE_SIZE")


def family(pid: int) -> list[int]:
    """Return the ids of a process and of all that it started."""
    import psutil

    root = psutil.Process(pid)
    return [root.pid, *(child.pid for child in root.children(recursive=True))]


def stack_mb(own_before_mb: float) -> float:
    """Return what a contestant's stack takes: its processes, and what this one has grown by.

    The one that began this turn is the parent of whatever lost its own, so that daemons count too.
    """
    me, parent = os.getpid(), os.getppid()
    others = [pid for pid in family(parent) if pid not in (me, parent)]
    return sum(map(pss_mb, others)) + pss_mb(me) - own_before_mb
