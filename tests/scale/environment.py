"""Where processes of this package find it."""

from __future__ import annotations

import os
from pathlib import Path

TESTS = Path(__file__).parents[1]


def environment() -> dict[str, str]:
    """Return the variables of a process that finds this package."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("TASKKIT_")}
    return {**mine, "PYTHONPATH": os.pathsep.join(map(str, (TESTS, TESTS / "operations")))}
