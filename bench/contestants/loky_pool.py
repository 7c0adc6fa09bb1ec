"""loky, the process pool of joblib. Source: loky's documentation, "get_reusable_executor"."""

from __future__ import annotations

import loky

from .contestant import PROCESSES
from .executor import ByExecutor


class Loky(ByExecutor):
    """See the module."""

    def start(self) -> None:
        """Make it; idle processes stay for as long as the benchmark looks elsewhere."""
        self.executor = loky.get_reusable_executor(max_workers=PROCESSES, timeout=600)

    def stop(self) -> None:
        """End its processes."""
        self.executor.shutdown(kill_workers=True)


ENTRANT = Loky
