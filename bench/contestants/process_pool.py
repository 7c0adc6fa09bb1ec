"""The standard library's process pool. Source: Python's documentation, "concurrent.futures"."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor

from .contestant import PROCESSES
from .executor import ByExecutor


class ProcessPool(ByExecutor):
    """See the module."""

    def start(self) -> None:
        """Make it; its processes come with the first job."""
        self.executor = ProcessPoolExecutor(PROCESSES)

    def stop(self) -> None:
        """End its processes."""
        self.executor.shutdown(cancel_futures=True)


ENTRANT = ProcessPool
