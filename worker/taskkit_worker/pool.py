"""Celery's prefork pool, looking for dead processes twice a second instead of every five seconds.

Only the second look after a death marks the job as lost, so this is what bounds how soon a job
whose process died is queued again, and how soon its place in the pool is filled.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable

import psutil
from celery.concurrency import asynpool, prefork

from .spared import leave_sigterm_to_main
from .tree import end_tree


class PoolProcess(asynpool.Worker):  # type: ignore[misc]
    """A process that runs jobs; SIGTERM is not for it."""

    def after_fork(self) -> None:
        """Set up what is of this process alone."""
        super().after_fork()
        # Last: billiard 4.3 has SIGTERM raise SystemExit in the midst of a job, which then failed.
        leave_sigterm_to_main()


class PromptPool(asynpool.AsynPool):  # type: ignore[misc]
    """See the module."""

    Worker = PoolProcess

    @property
    def timers(self) -> dict[Callable[[], None], float]:
        """Return what the event loop calls again and again, and how often in seconds."""
        return {self.maintain_pool: 0.5}

    def terminate_job(self, pid: int, _signal: int | None = None) -> None:
        """End a process with all that it started; its job is begun again elsewhere.

        Celery asks for it where the worker is to end at once (SIGQUIT, a second Ctrl-C), and so
        does Flower.
        """
        with contextlib.suppress(psutil.NoSuchProcess):
            end_tree(pid)


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
