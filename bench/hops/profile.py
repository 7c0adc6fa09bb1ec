"""Runs no-ops with stamps in every process, and says how long each hop took."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..contestants.contestant import PROCESSES
from ..report import Report
from ..sizes import Sizes
from . import stamps
from .points import CALLED, FSYNCS, POINTS, RAN, RETURNED

UNCOUNTED = 20
"""The first jobs warm the stack up."""

PAUSE_S = 0.005
"""Between two jobs, for what trails behind the first."""

Stamped = tuple[int, str]
Way = dict[str, int]


def hops(_name: str, sizes: Sizes, report: Report) -> None:
    """Tell the time from each point to the next, in ms, for both of Redis' ways to fsync."""
    file = Path(os.environ["BENCH_FOLDER"]) / "hops"
    hook = str(Path(__file__).with_name("hook"))
    os.environ |= {stamps.FILE: str(file), "PYTHONPATH": hook}
    stamps.install()
    for fsync in FSYNCS:
        windows = _run(sizes.hop_trips, fsync)
        stamped = sorted(_parsed(line) for line in file.read_text().splitlines())
        report.figures(f"hops.{fsync}", middle_ms([way(window, stamped) for window in windows]))


def _run(count: int, fsync: Any) -> list[Way]:
    """Return, for each of `count` jobs, what only the client and the job itself know."""
    import taskkit

    windows = []
    with taskkit.LocalStack(workers=PROCESSES, fsync=fsync) as stack:
        client = stack.client()
        for number in range(count + UNCOUNTED):
            called = time.monotonic_ns()
            ran = client.submit(time.monotonic_ns).result(60)
            returned = time.monotonic_ns()
            if number >= UNCOUNTED:
                windows.append({CALLED: called, RAN: ran, RETURNED: returned})
            time.sleep(PAUSE_S)
        client.close()
    return windows


def _parsed(line: str) -> Stamped:
    at, name = line.split()
    return int(at), name


def way(window: Way, stamped: Sequence[Stamped]) -> Way:
    """Return when one job was where: `window`, and those of the stamps that lie in it."""
    within = [(at, name) for at, name in stamped if window[CALLED] <= at <= window[RETURNED]]
    found = dict(window)
    for point in POINTS:
        times = [at for at, name in within if name == point.name]
        if times:
            found[point.name] = times[0] if point.which == "first" else times[-1]
    return found


def middle_ms(ways: Sequence[Way]) -> dict[str, float]:
    """Return by point how long the hop to it took, in ms: means over the middle half of the jobs.

    Those between the quartiles of the whole way are robust as a median is, and their hops add up to
    their whole way, called ``whole``. The hop to a point begins at the latest of the points before
    it, so that what overlaps is not counted twice; where a point is missing, its hop is part of the
    next one.
    """
    by_length = sorted(ways, key=lambda job: job[RETURNED] - job[CALLED])
    middle = by_length[len(ways) // 4 : len(ways) - len(ways) // 4]
    found: dict[str, list[float]] = {}
    for job in middle:
        latest = job[CALLED]
        for name in (*(point.name for point in POINTS), RETURNED):
            if name in job:
                found.setdefault(name, []).append(max(0, job[name] - latest) / 1e6)
                latest = max(latest, job[name])
        found.setdefault("whole", []).append((job[RETURNED] - job[CALLED]) / 1e6)
    return {name: sum(times) / len(middle) for name, times in found.items()}
