"""Run tests again and again on a busy machine, and stop at the first failure (make notebooks).

What fails once in twenty runs, or only where the cores are taken, shows up here.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

SPIN = """
import os, sys
while os.getppid() == int(sys.argv[1]):
    sum(range(200_000))
"""
"""Keeps one core busy for as long as the process that started it lives, however that ends."""


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """Keep so many cores busy for as long as the block."""
    command = [sys.executable, "-c", SPIN, str(os.getpid())]
    spinning = [subprocess.Popen(command) for _ in range(processes)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
        for process in spinning:
            process.wait()


def soak(runs: int, load: int, chosen: list[str]) -> int:
    """Run pytest on what is chosen up to `runs` times; return the exit status of the last."""
    with busy(load):
        for run in range(1, runs + 1):
            began = time.monotonic()
            command = [sys.executable, "-m", "pytest", "-x", *chosen]
            status = subprocess.run(command, check=False).returncode
            ended = "passed" if status == 0 else f"failed with status {status}"
            took_s = time.monotonic() - began
            print(f"run {run} of {runs} {ended} after {took_s:.0f} s", flush=True)
            if status != 0:
                break
    passed = run if status == 0 else run - 1
    print(f"{passed} of {runs} runs passed, beside {load} busy processes")
    return status


def main() -> int:
    """Read the command line and soak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1, help="how often (default: once)")
    parser.add_argument("--load", type=int, default=0, help="busy processes beside (default: 0)")
    parser.add_argument("chosen", nargs="+", help="what pytest is to run; so are its options")
    told, options = parser.parse_known_args()
    if told.runs < 1:
        parser.error("--runs must be 1 at least")
    return soak(told.runs, told.load, [*options, *told.chosen])


if __name__ == "__main__":
    sys.exit(main())
