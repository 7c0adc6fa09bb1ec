"""What this process may use of its machine: fewer cores and less memory than there are, often."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")

MIB = 2**20

_NO_LIMIT_BYTES = 2**60
"""What version 1 of cgroups has as no limit is about 2**63."""


def cores(root: Path = CGROUPS, own: Path = OWN_CGROUP) -> int:
    """Return how many cores this process may use, at least 1: those that the kernel lets it run on,
    and no more than the quota of its cgroup is worth (Docker's ``--cpus``, Kubernetes' limit).

    A part of a core counts as none: who has 1.5 runs one job at full speed.
    """
    if sys.platform == "linux":
        allowed = len(os.sched_getaffinity(0))
    else:
        allowed = os.cpu_count() or 1
    return max(1, math.floor(min(allowed, *_quotas(root, own), allowed)))


def memory_mib(root: Path = CGROUPS, own: Path = OWN_CGROUP) -> int | None:
    """Return how much memory this process may use, in MiB; None where the system does not say."""
    limits = [*_memory_limits(root, own)]
    with contextlib.suppress(ValueError, OSError, AttributeError):  # another system
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    possible = [limit for limit in limits if 0 < limit < _NO_LIMIT_BYTES]
    return min(possible) // MIB if possible else None


def available_mib(root: Path = CGROUPS, own: Path = OWN_CGROUP) -> int | None:
    """Return how much memory is free for this process, in MiB; None where the system does not say.

    What its cgroup has read from files counts as free: the kernel gives it back.
    """
    free: list[int] = []
    for line in _read(Path("/proc/meminfo")).splitlines():
        if line.startswith("MemAvailable:"):
            free.append(int(line.split()[1]) * 1024)
    for folder in _folders(root, own, "memory"):
        limit, used = _read(folder / "memory.max"), _read(folder / "memory.current")
        if limit.isdecimal() and used.isdecimal():
            stat = dict(line.split() for line in _read(folder / "memory.stat").splitlines())
            free.append(int(limit) - int(used) + int(stat.get("inactive_file", 0)))
    return max(0, min(free)) // MIB if free else None


def _quotas(root: Path, own: Path) -> Iterator[float]:
    """Yield the quotas of this process's cgroup and of those above it, in cores.

    Source: the kernel's admin-guide/cgroup-v2, ``cpu.max``, and scheduler/sched-bwc for version 1.
    """
    for folder in _folders(root, own, "cpu"):
        words = _read(folder / "cpu.max").split()
        if len(words) == 2 and words[0] != "max":
            yield int(words[0]) / int(words[1])
        quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
        if quota and period and int(quota) > 0:
            yield int(quota) / int(period)


def _memory_limits(root: Path, own: Path) -> Iterator[int]:
    for folder in _folders(root, own, "memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            text = _read(folder / name)
            if text.isdecimal():
                yield int(text)


def _folders(root: Path, own: Path, controller: str) -> Iterator[Path]:
    """Yield this process's folder of a controller and those above it, that are to be seen here.

    In a container the path may be the one outside; then its own folder is the root.
    """
    for line in _read(own).splitlines():
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        is_unified = number == "0" and not names
        if not is_unified and controller not in names.split(","):
            continue
        top = root if is_unified else root / names
        if not is_unified and not top.is_dir():
            top = root / controller
        folder = top / path.lstrip("/")
        yield folder
        for parent in folder.parents:
            if not parent.is_relative_to(top):
                break
            yield parent


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
