"""What the workers behind a server are, and which tasks they offer."""

from __future__ import annotations

import difflib
import time

from ..protocol import wire
from ..protocol.workers import TaskInfo, WorkerInfo
from .http import Http

KEPT_S = 10.0
"""For how long a task is taken as it was."""

_NEAREST = 3


class Catalogue:
    """Asks a server for them."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._tasks: dict[str, TaskInfo] = {}
        self._asked_at = float("-inf")

    def tasks(self) -> list[TaskInfo]:
        """Return the named tasks, as of now."""
        found = [wire.task_from_wire(obj) for obj in self._http.get("/tasks")["tasks"]]
        self._tasks, self._asked_at = {task.name: task for task in found}, time.monotonic()
        return found

    def workers(self) -> list[WorkerInfo]:
        """Return the workers, as of now."""
        return [wire.worker_from_wire(obj) for obj in self._http.get("/workers")["workers"]]

    def environments(self) -> tuple[list[WorkerInfo], dict[str, dict[str, str]]]:
        """Return the workers, and what those of each environment have installed."""
        told = self._http.get("/workers", {"environments": "true"})
        workers = [wire.worker_from_wire(obj) for obj in told["workers"]]
        return workers, told.get("environments", {})

    def task(self, name: str) -> TaskInfo | None:
        """Return the task of this name, if a worker has offered it within `KEPT_S`."""
        if name not in self._tasks or time.monotonic() - self._asked_at > KEPT_S:
            self.tasks()
        return self._tasks.get(name)

    def nearest(self, name: str) -> list[str]:
        """Return the names most like it."""
        return difflib.get_close_matches(name, self._tasks, n=_NEAREST, cutoff=0.4)
