"""What the jobs do: as little as there is, or wait."""

from __future__ import annotations

import time
from pathlib import Path

import taskkit


@taskkit.task
def scale_nothing() -> None:
    """Do nothing."""


@taskkit.task
def scale_rest(seconds: float) -> None:
    """Take so long."""
    time.sleep(seconds)


@taskkit.task
def scale_gate(path: str) -> None:
    """Hold a process until the file is there, so that jobs queue behind it."""
    while not Path(path).exists():
        time.sleep(0.02)


@taskkit.task
def scale_reports(number: int, apart_s: float) -> None:
    """Report progress, each time in an event of its own."""
    for done in range(1, number + 1):
        taskkit.progress(done, number)
        time.sleep(apart_s)


@taskkit.task
def scale_prints(chars: int) -> None:
    """Print so much."""
    line = 99 * "." + "\n"
    print(line * (chars // len(line)), end="", flush=True)
