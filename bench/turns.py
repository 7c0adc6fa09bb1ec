"""Turns: who is measured when, and each in a process that leaves nothing behind.

In a turn one contestant starts its stack, does all its scenarios, and stops its stack; then the
next one has its turn, in an order that moves on by one with each repeat. So only one stack exists
at a time: on two cores even idle daemons of Ray or Dask would take their share from whoever is
measured, and suspended ones would keep their memory and wake up to missed heartbeats. Noise that
lasts for some minutes meets all of them, and the median of the repeats passes over it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskkit_worker.tree import adopt_orphans, end_descendants, end_tree

from .figures import ALONE, SIDE_BY_SIDE
from .report import Report
from .results import Results

LONGEST_S = 400.0
"""A turn that takes longer is ended; what it has told until then counts."""

RARE = ("shared",)
"""Done in the first repeat only, for the time that it takes."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Who does what."""

    of: str
    scenarios: tuple[str, ...]


def planned(names: Sequence[str], scenarios: Sequence[str], repeats: int) -> Iterator[Turn]:
    """Yield the turns of a run."""
    common = tuple(scenario for scenario in SIDE_BY_SIDE if scenario in scenarios)
    for repeat in range(repeats):
        chosen = tuple(one for one in common if repeat == 0 or one not in RARE)
        for place in range(len(names) if chosen else 0):
            yield Turn(names[(place + repeat) % len(names)], chosen)
    for scenario, of in ALONE.items():
        if scenario in scenarios:
            yield from (Turn(name, (scenario,)) for name in of if name in names)


def take(turn: Turn, sizes: str, logs: Path, results: Results) -> None:
    """Have a turn taken, and add what it tells to the results.

    One that tells nothing is taken once more: on a busy machine a stack may fail to start.
    """
    adopt_orphans()
    log = logs / f"{turn.of}.log"
    lines, end = _take(turn, sizes, log)
    if not lines:
        lines, end = _take(turn, sizes, log)
    for line in lines:
        results.take(turn.of, line)
    if end:
        for scenario in turn.scenarios:
            results.explain(turn.of, scenario, f"{end}; see {log}")


def _take(turn: Turn, sizes: str, log: Path) -> tuple[list[dict[str, Any]], str]:
    """Return what a turn told, and what was wrong with its end, if anything."""
    with tempfile.TemporaryDirectory(prefix="bench-turn-") as folder, log.open("ab") as output:
        report = Report(Path(folder) / "report")
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "bench.turn", "--began", repr(time.monotonic())),
                *("--of", turn.of, "--scenarios", ",".join(turn.scenarios)),
                *("--sizes", sizes, "--report", str(Path(folder) / "report")),
            ],
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        try:
            end = _end_of(process)
        finally:
            end_descendants()
        return list(report.lines()), end


def environment(folder: str) -> dict[str, str]:
    """Return a turn's variables: no stack or profile of the user's, one thread a library."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("TASKKIT_")}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return mine | threads | {"IPYTHONDIR": f"{folder}/ipython", "BENCH_FOLDER": folder}


def _end_of(process: subprocess.Popen[bytes]) -> str:
    """Wait for a turn's end; return what was wrong with it."""
    try:
        code = process.wait(LONGEST_S)
    except subprocess.TimeoutExpired:
        end_tree(process.pid)
        return f"took longer than {LONGEST_S:.0f} s"
    return f"its process ended with {code}" if code else ""
