"""`Client`: submits functions and named tasks, and hands back jobs."""

from __future__ import annotations

import time
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from typing import Any, TypeVar, overload

from .. import connection as connections
from ..connection import Connection
from ..protocol import wire
from ..protocol.workers import TaskInfo, WorkerInfo
from ..travel.functions import PYTHON_MINOR, pickle_arguments, pickle_function
from .arguments import json_arguments
from .batch import Batch
from .job import Job
from .link import Accepting, Link
from .submitter import Request
from .tables import Table, task_table, worker_table

T = TypeVar("T")
Task = str | Callable[..., Any]

DECISION_S = 10.0
"""How long the submission of a named task waits to be told that it does not fit."""


class Client(Executor):
    """A connection to a stack: an executor whose jobs outlive it.

    Without arguments it finds the stack that runs here (``taskkit up``), or the one that
    ``TASKKIT_URL`` and ``TASKKIT_TOKEN`` name.

    >>> client = Client()
    >>> client.submit(pow, 2, 10).result()
    1024

    Raises:
        NotReachable: No server answers.
        Unauthorized: The server wants another token.
    """

    def __init__(self, url: str | None = None, token: str | None = None) -> None:
        found = Connection(url.rstrip("/"), token) if url else connections.find()
        if token is not None:
            found = Connection(found.url, token)
        self._link = Link(found)
        self._key: str | None = None

    def options(self, *, key: str | None = None) -> Client:
        """Return a client that shares this one's connection and submits with these options.

        key: the job's own key. Submitting again under it returns the same job, whatever has
        happened to the notebook in between; for `map`, each item has its place added to it.
        """
        other: Client = object.__new__(type(self))
        other._link = self._link
        other._key = key
        return other

    @overload
    def submit(self, task: str, /, *args: Any, **kwargs: Any) -> Job[Any]: ...
    @overload
    def submit(self, task: Callable[..., T], /, *args: Any, **kwargs: Any) -> Job[T]: ...
    def submit(self, task: Task, /, *args: Any, **kwargs: Any) -> Job[Any]:
        """Have a worker call `task`, and return the job at once.

        A function travels to the worker by value, with what it needs of the notebook. A string
        names a task of the workers' catalogue; its arguments are checked before this returns.

        Raises:
            TaskNotFound: No worker knows the name.
            InvalidArguments: They do not fit the named task.
            CannotTravel: The function or an argument cannot be pickled.
            PayloadTooLarge: The arguments are too large.
        """
        job, request = self._request(task, args, kwargs, self._key)
        self._link.send([request])
        if request.function is None:
            job.wait_decided(DECISION_S)
        return job

    def map(
        self,
        task: Task,
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,  # noqa: ARG002  # each item is a job; kept for the executor's signature
    ) -> Batch[Any]:
        """Submit `task` for each item of `iterables` (zipped), and return the jobs as a batch.

        Results are waited for `timeout` seconds from now at most.
        """
        shipped = _Shipped(task) if callable(task) else None
        pairs = []
        for n, args in enumerate(zip(*iterables, strict=False)):
            key = None if self._key is None else f"{self._key}:{n}"
            pairs.append(self._request(task, args, {}, key, shipped))
        self._link.send([request for _, request in pairs])
        jobs = [job for job, _ in pairs]
        deadline = None if timeout is None else time.monotonic() + timeout
        return Batch(_name(task), jobs, self._link.connection, deadline)

    def job(self, job_id: str) -> Job[Any]:
        """Return the job of this id, from whichever client it came.

        Raises:
            JobNotFound: There is none.
        """
        return self._link.attach(wire.record_from_wire(self._link.http.get(f"/jobs/{job_id}")))

    def jobs(self, limit: int = 100) -> list[Job[Any]]:
        """Return your newest jobs, newest first, from whichever clients they came."""
        answer = self._link.http.get("/jobs", {"limit": limit})
        return [self._link.attach(wire.record_from_wire(obj)) for obj in answer["jobs"]]

    def tasks(self) -> Table[TaskInfo]:
        """Return the named tasks that workers offer."""
        return task_table(wire.task_from_wire(o) for o in self._link.http.get("/tasks")["tasks"])

    def workers(self) -> Table[WorkerInfo]:
        """Return the workers that are there."""
        answer = self._link.http.get("/workers")
        return worker_table(wire.worker_from_wire(obj) for obj in answer["workers"])

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End as an executor does: wait for, or cancel, what was submitted here, then close."""
        jobs = self._link.unfinished()
        for job in jobs if cancel_futures else ():
            job.cancel()
        for job in jobs if wait else ():
            job.wait_final()
        self.close()

    def close(self) -> None:
        """Close the connection. Jobs go on; another client finds them again."""
        self._link.close()

    def __repr__(self) -> str:
        return f"<Client of {self._link.http.url} as {self._link.owner}>"

    def _request(
        self,
        task: Task,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        key: str | None,
        shipped: _Shipped | None = None,
    ) -> tuple[Job[Any], Request]:
        name = _name(task)
        job: Job[Any] = Job(self._link, name)
        body: dict[str, Any] = {"task": name, "key": key or uuid.uuid4().hex}
        if isinstance(task, str):
            body["positional"], body["arguments"] = json_arguments(task, args, kwargs)
            return job, Request(job=Accepting(self._link, job), body=body)
        function = (shipped or _Shipped(task)).function
        payload = b64encode(pickle_arguments(args, kwargs)).decode()
        body |= {"function": function[0], "payload": payload, "python": PYTHON_MINOR}
        size = len(payload) + len(function[1])
        accepting = Accepting(self._link, job)
        return job, Request(job=accepting, body=body, function=function, size_bytes=size)


class _Shipped:
    """A function pickled once, for however many jobs."""

    def __init__(self, function: Callable[..., Any]) -> None:
        digest, pickled = pickle_function(function)
        self.function = (digest, b64encode(pickled).decode())


def _name(task: Task) -> str:
    if isinstance(task, str):
        return task
    # What functools.partial and other callables wrap is what a reader knows.
    inner = getattr(task, "func", task)
    name = getattr(inner, "__qualname__", None) or type(task).__qualname__
    return str(name).replace("<locals>.", "")[:300]
