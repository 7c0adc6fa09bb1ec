"""Run all tests: most of them some at a time, each file by one process; the rest after, one by one.

The rest has the mark `alone`: it measures the machine too. Arguments go to pytest, in both turns.
"""

from __future__ import annotations

import os
import subprocess
import sys

MOST_PROCESSES = 4
"""Each may have a Redis, a server, workers and a browser of its own."""

NOTHING_CHOSEN = 5
"""pytest's status where no test is left of those that were asked for."""


def processes() -> int:
    """Return how many processes run tests; two at least, for most of a test is waiting."""
    return min(max(os.cpu_count() or 1, 2), MOST_PROCESSES)


def turns() -> list[list[str]]:
    """Return the options of pytest for each turn."""
    # By file, in the order of the tree: what files share is started once, the long ones come early.
    together = ["--numprocesses", str(processes()), "--dist=loadfile", "--no-loadscope-reorder"]
    return [[*together, "-m", "not alone"], ["-m", "alone"]]


def main(told: list[str]) -> int:
    """Run each turn, whatever became of the one before; return the first status that is bad."""
    statuses = []
    for turn in turns():
        command = [sys.executable, "-m", "pytest", *turn, *told]
        statuses.append(subprocess.run(command, check=False).returncode)
    if all(status == NOTHING_CHOSEN for status in statuses):
        return NOTHING_CHOSEN
    return next((status for status in statuses if status not in (0, NOTHING_CHOSEN)), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
