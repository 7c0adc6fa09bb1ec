"""What tests of commands share: where a stack is told, and a job that is held half-way."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import taskkit
from taskkit.client import Job


def environment(url: str, token: str, home: Path) -> dict[str, str]:
    """Return the environment of a command that is to find a stack."""
    left_out = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TASKKIT_SESSION", "TASKKIT_REDIS_URL")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {
        **kept,
        "TASKKIT_URL": url,
        "TASKKIT_TOKEN": token,
        "XDG_RUNTIME_DIR": str(home),
        "LANG": "C.UTF-8",
    }


def steps(gate: str) -> str:
    """Report and print ten steps, and wait at the fifth until the gate opens."""
    for n in taskkit.track(range(10)):
        print(f"step {n}", flush=True)
        while n == 5 and not Path(gate).exists():
            time.sleep(0.02)
    return "through"


@dataclass
class Held:
    """A job that is held half-way until `release`."""

    job: Job[str]
    gate: Path

    def release(self) -> None:
        """Let it go on to its end."""
        self.gate.touch()
