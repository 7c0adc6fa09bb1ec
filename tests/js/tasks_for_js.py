"""Tasks for the tests of the client in JavaScript."""

from __future__ import annotations

import time
from pathlib import Path

import taskkit


@taskkit.task
def talk(lines: int = 5, every_s: float = 0.1) -> list[int]:
    """Print lines, one at a time, and return their numbers."""
    for n in taskkit.track(range(lines), message="talking"):
        print(f"line {n}", flush=True)
        time.sleep(every_s)
    return list(range(lines))


@taskkit.task
def held(gate: str) -> str:
    """Return when a file is there."""
    while not Path(gate).exists():
        time.sleep(0.02)
    return "free"


@taskkit.task
def fail(message: str) -> None:
    """Raise."""
    raise ValueError(message)


@taskkit.task
def point() -> complex:
    """Return what JSON cannot say."""
    return 3 + 4j


@taskkit.task
def large(chars: int) -> str:
    """Return so long a text."""
    return "x" * chars
