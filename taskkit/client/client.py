"""`Client`: submits functions and named tasks, and hands back jobs."""

from __future__ import annotations

import operator
import os
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from functools import cache
from typing import Any, NoReturn, TypeVar, overload

from .. import connection as connections
from ..connection import Connection
from ..protocol.jobs import JobRecord
from ..protocol.options import JobOptions
from ..travel.awaited import collecting
from ..travel.chunks import Call
from ..travel.functions import pickle_value
from ..travel.outgoing import Outgoing
from ..travel.references import Reference, noting
from ..travel.values import preview
from .accepting import Accepting
from .batch import Batch
from .finder import Finder
from .items import Items
from .job import Job
from .link import Link
from .notebooks import RunsNotebooks
from .offers import Offers
from .optioned import Optioned
from .options import Cache, checked, checked_key
from .recall import Recall
from .session import main_namespace, session_of
from .shipping import Shipped, Task, blocks_of, body_of, name_of
from .spread import FEW, Spread
from .studied import Studied
from .submitter import Request
from .traced import begin_submission, carried, told

T = TypeVar("T")

DECISION_S = 10.0
"""How long the submission of a named task waits to be told that it does not fit."""


class Hold:
    """What all clients over one connection hold; when it goes, nobody needs the connection."""


class Client(Finder, Offers, Optioned, RunsNotebooks, Studied, Executor):
    """A connection to a stack: an executor whose jobs outlive it.

    Without arguments it finds the stack that runs here (``taskkit up``), or the one that
    ``TASKKIT_URL`` and ``TASKKIT_TOKEN`` name. Its jobs belong to a `session`, by which `reattach`
    finds them again: the notebook's path or the script's, unless ``TASKKIT_SESSION`` or `session`
    names another. Where a notebook is run by nbclient, nbval or papermill its path is not known,
    so there is none unless one is named.

    >>> client = Client()
    >>> client.submit(pow, 2, 10).result()
    1024

    Raises:
        NotReachable: No server answers.
        Unauthorized: The server wants another token.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, session: str | None = None
    ) -> None:
        if session is None:
            session = session_of(os.environ, main_namespace())
        self._options = JobOptions(**checked({"session": session}))
        self._key: str | None = None
        self._is_worker_required = self._is_any_environment = False
        self._cache: Cache = False
        found = Connection(url.rstrip("/"), token) if url else connections.find()
        if token is not None:
            found = Connection(found.url, token)
        self._link = Link(found)
        self._hold = Hold()
        weakref.finalize(self._hold, self._link.be_dropped).atexit = False

    @overload
    def submit(self, task: str, /, *args: Any, **kwargs: Any) -> Job[Any]: ...
    @overload
    def submit(self, task: Callable[..., T], /, *args: Any, **kwargs: Any) -> Job[T]: ...
    def submit(self, task: Task, /, *args: Any, **kwargs: Any) -> Job[Any]:
        """Have a worker call `task`, and return the job at once.

        A function travels to the worker by value, with what it needs of the notebook. A string
        names a task of the workers' catalogue; its arguments are checked before this returns.

        `task` has these as functions: ``client.task.ising(size=64)``.

        Raises:
            TaskNotFound: No worker knows the name.
            InvalidArguments: They do not fit the named task.
            CannotTravel: The function or an argument cannot be pickled.
            PayloadTooLarge: An argument is larger than the server takes; the message names it.
            DiskFull, Unavailable, NotReachable: What is large of them cannot be kept.
        """
        self._link.require_open()
        shipped = None if isinstance(task, str) else self._shipped(task)
        recall = self._recall(has_place=False)
        job, request = self._request(task, args, kwargs, self._key, shipped, recall=recall)
        self._link.send([request], [job])
        if request.function is None:
            job.wait_decided(DECISION_S)
        return job

    def map(
        self,
        task: Task,
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int | None = None,
    ) -> Batch[Any]:
        """Submit `task` for each item of `iterables` (zipped), and return the results' batch.

        Short calls travel many to a job: by default a few items go ahead, and what they take
        decides how many the others' jobs have; from 10 ms on, each item has a job of its own. So
        have up to 64 items, named tasks, and whatever `options` gives a key, retries or limits to.
        With `chunksize`, so many items share a job in any case (but under a key). Results are
        waited for `timeout` seconds from now at most.

        >>> list(Client().options(name="squares").map(pow, range(4), [2] * 4))
        [0, 1, 4, 9]

        Raises:
            CannotTravel: The function or an argument cannot be pickled.
            ValueError: The options' key is too long with an item's place added, or `chunksize` is
                below 1.
        """
        if chunksize is not None and operator.index(chunksize) < 1:
            raise ValueError("chunksize must be >= 1.")
        self._link.require_open()
        deadline = None if timeout is None else time.monotonic() + timeout
        title = self._options.name or name_of(task)
        calls = list(zip(*iterables, strict=False))
        waiting = JobRecord(id="", task=name_of(task), options=self._options)
        items, spread = Items(waiting, len(calls)), None
        if isinstance(task, str) or self._has_each(len(calls), chunksize):
            self._submit_each(task, calls, items)
        else:
            with collecting() as jobs, noting() as referred:
                blocks = blocks_of(calls)
            if jobs or blocks is None:
                self._submit_each(task, calls, items)
                return Batch(title, items, self._link.connection, deadline)
            shipped = self._shipped(task)
            shipped.require(referred)
            spread = Spread(
                items,
                blocks,
                lambda args: self._request(task, args, {}, None, shipped),
                self._link.send,
                self._link.processes,
            )
            self._link.spreads.add(spread)
            spread.begin(chunksize)
        return Batch(title, items, self._link.connection, deadline, spread)

    def _has_each(self, items: int, chunksize: int | None) -> bool:
        """Return whether each item of a map has a job of its own, whatever it takes."""
        if chunksize is not None:
            return chunksize == 1 or self._key is not None or bool(self._cache)
        has_own = self._key is not None or bool(self._cache)
        return items <= FEW or has_own or self._options.speaks_of_attempts

    def _submit_each(self, task: Task, calls: Sequence[Call], items: Items) -> None:
        shipped = None if isinstance(task, str) else self._shipped(task)
        pairs, recall = [], self._recall(has_place=True)
        for n, args in enumerate(calls):
            key = None if self._key is None else checked_key(f"{self._key}:{n}")
            pairs.append(self._request(task, args, {}, key, shipped, recall=recall))
        self._link.send([request for _, request in pairs], [job for job, _ in pairs])
        for n, (job, _) in enumerate(pairs):
            items.put(n, job)

    def put(self, value: Any) -> Reference:
        """Send a value now, once, and return a reference that stands for it in jobs.

        What is large is kept once anyway; a reference spares it being hashed in every call.

        >>> table = Client().put(list(range(100_000)))
        >>> Client().submit(sum, table).result()
        4999950000

        Raises:
            CannotTravel: It cannot be pickled.
            PayloadTooLarge: It is larger than the server takes.
            DiskFull, Unavailable, NotReachable: It cannot be kept.
        """
        sent, _ = pickle_value(value, Outgoing(self._link.blobs))
        return Reference(sent, preview(value))

    @property
    def _max_workers(self) -> int:
        # What users of executors look for, dask among them.
        return self._link.processes()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End as an executor does: wait for, or cancel, what was submitted here, then close.

        Without `wait` it returns at once, and closes when the last job that somebody holds is
        final.
        """
        self._link.shut()
        if cancel_futures:
            for spread in list(self._link.spreads):
                spread.stop()
            for job in self._link.unfinished():
                job.cancel()
        if wait:
            self._link.finish()
        else:
            self._link.finish_behind()

    def close(self) -> None:
        """Close the connection. Jobs go on; another client finds them again."""
        self._link.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Client is a connection of this process; make one inside the function")

    def __repr__(self) -> str:
        return f"<Client of {self._link.http.url} as {self._link.owner}>"

    def _recall(self, *, has_place: bool) -> Recall | None:
        if not self._cache:
            return None
        versions = cache(self._link.catalogue.versions)
        return Recall(is_renewed=self._cache == "renew", has_place=has_place, versions=versions)

    def _shipped(self, function: Callable[..., Any]) -> Shipped:
        return Shipped(function, Outgoing(self._link.blobs))

    def _request(
        self,
        task: Task,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        key: str | None,
        shipped: Shipped | None,
        options: JobOptions | None = None,
        recall: Recall | None = None,
    ) -> tuple[Job[Any], Request]:
        submission = begin_submission()
        options = carried(submission, self._options if options is None else options)
        fitted = self._fitted()
        body, options = body_of(
            task,
            args,
            kwargs,
            key=key,
            options=options,
            shipped=shipped,
            fitted=fitted,
            recall=recall,
        )
        if self._is_worker_required:
            body["require_worker"] = True
        work = body["task"] if key is None else key
        job: Job[Any] = Job(self._link, body["task"], options, key=body["key"], work=work)
        accepting = told(submission, Accepting(self._link, job), body["task"])
        if shipped is None:
            return job, Request(job=accepting, body=body)
        self._link.cards.sent.note(job, body["payload"])
        size = len(body["payload"]) + len(shipped.encoded[1])
        return job, Request(job=accepting, body=body, function=shipped.encoded, size_bytes=size)
