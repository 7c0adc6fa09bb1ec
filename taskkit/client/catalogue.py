"""What the workers behind a server are, and which tasks they offer."""

from __future__ import annotations

import difflib
import time
from collections.abc import Mapping

from ..protocol import wire
from ..protocol.errors import EnvironmentNotFound
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
        self._environments: dict[str, Mapping[str, str]] = {}
        #: Of the workers that were there last.

    def tasks(self) -> list[TaskInfo]:
        """Return the named tasks, as of now."""
        found = [wire.task_from_wire(obj) for obj in self._http.get("/tasks")["tasks"]]
        self._tasks, self._asked_at = {task.name: task for task in found}, time.monotonic()
        return found

    def workers(self) -> list[WorkerInfo]:
        """Return the workers, as of now."""
        return [wire.worker_from_wire(obj) for obj in self._http.get("/workers")["workers"]]

    def environments(self) -> tuple[list[WorkerInfo], dict[str, Mapping[str, str]]]:
        """Return the workers, and what those of each environment have installed."""
        workers = self.workers()
        found = {
            digest: packages
            for digest in dict.fromkeys(worker.environment for worker in workers)
            if digest and (packages := self._packages(digest)) is not None
        }
        self._environments = found
        return workers, found

    def _packages(self, digest: str) -> Mapping[str, str] | None:
        known = self._environments.get(digest)
        if known is not None:
            return known
        try:
            found: Mapping[str, str] = self._http.get(f"/environments/{digest}")["packages"]
        except EnvironmentNotFound:  # the last of its workers has just left
            return None
        return found

    def task(self, name: str) -> TaskInfo | None:
        """Return the task of this name, if a worker has offered it within `KEPT_S`."""
        if name not in self._tasks or time.monotonic() - self._asked_at > KEPT_S:
            self.tasks()
        return self._tasks.get(name)

    def versions(self, name: str) -> frozenset[str]:
        """Return the versions of a task that the workers have which are there now."""
        there = (task for worker in self.workers() for task in worker.tasks)
        return frozenset(task.version for task in there if task.name == name)

    def nearest(self, name: str) -> list[str]:
        """Return the names most like it."""
        return difflib.get_close_matches(name, self._tasks, n=_NEAREST, cutoff=0.4)
