"""Celery's prefork pool, looking for dead processes twice a second instead of every five seconds.

Only the second look after a death marks the job as lost, so this is what bounds how soon a job
whose process died is queued again, and how soon its place in the pool is filled.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
from collections.abc import Callable
from typing import Any

import psutil
from celery.concurrency import asynpool, prefork

from taskkit.lean import release_collector, trim

from .spared import leave_sigterm_to_main
from .tree import end_tree

_NOTHING = pickle.dumps(None)
_END = struct.pack(">I", len(_NOTHING)) + _NOTHING
"""What has a process end when it has done what it was sent before. Source: billiard 4.3, `Worker`;
Celery 5.7, `AsynPool._create_payload`."""


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

    def shrink(self, n: int = 1) -> None:
        """End up to n processes that do nothing, each by itself. For the event loop's thread.

        Billiard's own would signal one that has been sent a message just now.

        Raises:
            ValueError: All are busy.
        """
        idle = [process for process in self._pool if self._is_idle(process)]
        if not idle:
            raise ValueError("all processes are busy")
        for process in idle[:n]:
            os.write(process.inqW_fd, _END)
            # From now on nothing is sent to it.
            self._busy_workers.add(process.inqW_fd)
            self._processes -= 1
            if self._putlock:
                self._putlock.shrink()

    def _is_idle(self, process: Any) -> bool:
        fd = process.inqW_fd
        is_up = process.outqR_fd in self._fileno_to_outq and process not in self._waiting_to_start
        return is_up and fd not in self._busy_workers and fd not in self._active_writes

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

        What the collector does not touch in them stays one page for all. Source: `gc.freeze`, by
        which a look at all that there is, 50 ms, would only make holes in the pages.
        """
        trim()
        release_collector()
        super().on_start()
