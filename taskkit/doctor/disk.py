"""Room on the disks of a stack that runs on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .chart import Chart
from .finding import Finding, broken, caution, good, unseen
from .here import Here

MIN_FREE_BYTES = 32 * 2**20
"""Below this no stack is started; the same as `taskkit.stack.folders` says."""

LOW_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Room:
    """The disk of a folder."""

    path: Path
    free_bytes: int


def check(chart: Chart) -> tuple[Finding, Chart]:
    """Look at the folders of the stack."""
    return judge(rooms(chart.here)), chart


def rooms(here: Here) -> list[Room]:
    """Return each disk that the stack writes to, once; none where it does not run here."""
    paths = [] if here.data is None else [here.data]
    if here.blobs and "://" not in here.blobs:
        paths.append(Path(here.blobs))
    found: dict[int, Room] = {}
    for path in paths:
        with suppress(OSError):  # a folder of blobs is made by its first one
            found.setdefault(path.stat().st_dev, Room(path, shutil.disk_usage(path).free))
    return list(found.values())


def judge(there: Sequence[Room]) -> Finding:
    """Return whether there is room for what is to come."""
    if not there:
        return unseen("cannot be seen from here: no stack of `taskkit up` on this machine is meant")
    least = min(there, key=lambda room: room.free_bytes)
    said = f"{size(least.free_bytes)} are free at {least.path}"
    if least.free_bytes < MIN_FREE_BYTES:
        return broken(said, "Make room there, or move the stack by XDG_DATA_HOME to another disk.")
    if least.free_bytes < LOW_BYTES:
        return caution(said, "Make room there soon: on a full disk nothing is accepted any more.")
    return good(said)


def size(size_bytes: int) -> str:
    """Return a size as people say it.

    >>> size(3_400_000_000), size(20_000_000)
    ('3.4 GB', '20 MB')
    """
    if size_bytes >= 10**9:
        return f"{size_bytes / 10**9:,.3g} GB"
    return f"{size_bytes / 10**6:,.0f} MB"
