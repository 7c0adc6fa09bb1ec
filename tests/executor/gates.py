"""What tests of executors are given."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

Make = Callable[[], Executor]
"""Returns a new executor, that is shut down after the test at the latest."""


class Gate:
    """What holds `calls.held` until it opens."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def open(self) -> None:
        """Let everything through, from now on."""
        Path(self.path).touch()
