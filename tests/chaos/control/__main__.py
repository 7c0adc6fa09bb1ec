"""Print what the stock build loses: ``python -m chaos.control [JOBS [SEED]]``, in ``tests``."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from chaos.checker import check

from .faults import FAULTS
from .run import counted, gone, run


def main(jobs: int = 200, seed: int = 0) -> None:
    """Print a table with a line for each fault; of the lost jobs, nothing is left of those gone."""
    head = ("fault", "jobs", "lost", "gone", "doubled", "gaps", "seconds")
    print("".join(f"{word:>10}" for word in head))
    for fault in FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            began = time.monotonic()
            entries = run(fault, Path(folder), seed, jobs)
            took = f"{time.monotonic() - began:.1f}"
            done, lost, doubled, gaps = counted(check(entries))
            row = (fault, done, lost, len(gone(entries)), doubled, gaps, took)
            print("".join(f"{cell:>10}" for cell in row), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
