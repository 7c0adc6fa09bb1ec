"""taskkit: a `LocalStack` as it comes, its Redis putting every job on the disk (fsync always)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import taskkit

from .. import work
from .contestant import LIMIT_S, PROCESSES, Progress
from .executor import ByExecutor
from .sightings import Sightings


class Taskkit(ByExecutor):
    """See the module."""

    def start(self) -> None:
        """Start Redis, server and worker, and connect."""
        self.stack = taskkit.LocalStack(workers=PROCESSES).start()
        self.executor = self.stack.client()

    def stop(self) -> None:
        """End them."""
        self.executor.close()
        self.stack.stop()

    def shared(self, function: Callable[..., Any], array: Any, jobs: int) -> Any:
        """Put the array once, as the README has it: else it is hashed for every job."""
        return self.calls(function, [(self.executor.put(array),)] * jobs)

    def progress(self, updates: int) -> Progress:
        """Report by `taskkit.progress`, and listen by `Job.on_progress`."""
        seen = Sightings()
        job = self.executor.submit(_report, updates)
        job.on_progress(lambda progress: seen.note(progress.done))
        return seen.progress(job.result(LIMIT_S))


def _report(updates: int) -> tuple[float, int, float]:
    return work.reporting(taskkit.progress, updates)


ENTRANT = Taskkit
