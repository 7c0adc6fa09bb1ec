"""Named tasks as attributes of a client: ``client.task.ising(size=64)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..protocol.errors import ServiceError
from ..protocol.workers import TaskInfo
from .catalogue import Catalogue
from .job import Job
from .signatures import docstring_of, signature_of
from .tables import task_table

Submit = Callable[..., Job[Any]]


class NamedTasks:
    """The named tasks as functions that submit them; ``tasks["a-b"]`` for any other name."""

    def __init__(self, submit: Submit, catalogue: Catalogue) -> None:
        self._submit = submit
        self._catalogue = catalogue

    def __getattr__(self, name: str) -> Submit:
        # What IPython, copy and pickle ask of any object.
        if name.startswith("_"):
            raise AttributeError(name)
        info = self._catalogue.task(name)
        if info is None:
            raise AttributeError(self._unknown(name))
        return function_of(info, self._submit)

    def __getitem__(self, name: str) -> Submit:
        info = self._catalogue.task(name)
        if info is None:
            raise KeyError(self._unknown(name))
        return function_of(info, self._submit)

    def __dir__(self) -> list[str]:
        try:
            return [task.name for task in self._catalogue.tasks() if task.name.isidentifier()]
        except ServiceError:  # who completes a name is not told that the server is away
            return []

    def _ipython_key_completions_(self) -> list[str]:
        return [task.name for task in self._catalogue.tasks()]

    def __repr__(self) -> str:
        return repr(task_table(self._catalogue.tasks()))

    def _unknown(self, name: str) -> str:
        nearest = " or ".join(map(repr, self._catalogue.nearest(name)))
        hint = f"did you mean {nearest}?" if nearest else "client.tasks() lists what they know"
        return f"no worker knows a task {name!r}; {hint}"


def function_of(info: TaskInfo, submit: Submit) -> Submit:
    """Return a function that submits a task, and says of itself what the task says."""

    def task(*args: Any, **kwargs: Any) -> Job[Any]:
        return submit(info.name, *args, **kwargs)

    task.__name__ = task.__qualname__ = info.name
    task.__doc__ = docstring_of(info)
    task.__signature__ = signature_of(info)  # type: ignore[attr-defined]
    return task
