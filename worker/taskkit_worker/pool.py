"""Celery's prefork pool, looking for dead processes twice a second instead of every five seconds.

Only the second look after a death marks the job as lost, so this is what bounds how soon a job
whose process died is queued again, and how soon its place in the pool is filled.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

from celery.concurrency import asynpool, prefork


class PromptPool(asynpool.AsynPool):  # type: ignore[misc]
    """See the module."""

    @property
    def timers(self) -> dict[Callable[[], None], float]:
        """Return what the event loop calls again and again, and how often in seconds."""
        return {self.maintain_pool: 0.5}


class TaskPool(prefork.TaskPool):  # type: ignore[misc]
    """Prefork with `PromptPool`."""

    Pool = PromptPool

    def on_start(self) -> None:
        """Fork the processes.

        What the collector does not touch in them stays one page for all. Source: `gc.freeze`.
        """
        gc.collect()
        gc.freeze()
        super().on_start()
