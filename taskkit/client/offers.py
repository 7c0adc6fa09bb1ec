"""The part of a client that tells which workers there are, and which tasks they offer."""

from __future__ import annotations

from typing import Any

from ..protocol.workers import TaskInfo, WorkerInfo
from .by_name import NamedTasks
from .link import Link
from .tables import Table, task_table, worker_table


class ByName:
    """The named tasks, each to be called as what it is: ``client.task.ising(size=64)``.

    No property: IPython completes nothing of what one returns.
    """

    def __get__(self, client: Any, owner: type) -> NamedTasks:
        if client is None:
            raise AttributeError("it is a client, not its class, that has tasks")
        return NamedTasks(client.submit, client._link.catalogue)  # noqa: SLF001  # its own part


class Offers:
    """Asks the server what it knows of its workers."""

    _link: Link

    task = ByName()

    def tasks(self) -> Table[TaskInfo]:
        """Return the named tasks that workers offer."""
        return task_table(self._link.catalogue.tasks())

    def workers(self) -> Table[WorkerInfo]:
        """Return the workers that are there."""
        return worker_table(self._link.catalogue.workers())
