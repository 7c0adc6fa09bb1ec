"""What joblib has under way: bundles of calls, each a job or waiting to be one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from ..protocol.errors import TaskkitError
from .cores import Cores

if TYPE_CHECKING:
    from ..client import Client, Job

DECIDED_WITHIN_S = 5.0
"""How long the cancelling of a job waits for the server to have accepted it."""

Callback = Callable[[Future[list[Any]]], object]


class Calls(Protocol):
    """A bundle of calls; to call it is to make them all. Source: joblib's `BatchedCalls`."""

    items: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]]

    def __call__(self) -> list[Any]: ...


class Underway:
    """The bundles of one `joblib.Parallel`, of which at most `width` are jobs at a time.

    All of it happens in one thread of its own, one thing after another. joblib hands over a bundle
    while it holds a lock that its callbacks want, and they in turn hand over the next one, whose
    pickling takes its time. In the client's thread, which brings the news of all jobs, either would
    hold those up.
    """

    def __init__(self, client: Client, cores: Cores, width: float) -> None:
        self._client = client
        self._cores = cores
        self._width = width
        self._waiting: deque[tuple[Calls, Callback]] = deque()
        self._jobs: dict[Future[list[Any]], Callback] = {}
        self._is_next_due = False
        self._line = ThreadPoolExecutor(1, thread_name_prefix="taskkit-joblib")

    def add(self, calls: Calls, callback: Callback) -> None:
        """Take a bundle, and return at once; `callback` gets its job when that is final."""
        self._line.submit(self._add, calls, callback)

    def cancel(self) -> None:
        """Cancel every job and drop what is none yet; return when that is done."""
        self._line.submit(self._cancel).result()

    def close(self) -> None:
        """End the thread, now that nothing is under way."""
        self._line.shutdown(wait=False)

    def _add(self, calls: Calls, callback: Callback) -> None:
        self._waiting.append((calls, callback))
        self._make_next_due()

    def _make_next_due(self) -> None:
        # One at a time, so that an end, or that all is cancelled, does not wait for all pickling.
        if not self._is_next_due and self._waiting and len(self._jobs) < self._width:
            self._is_next_due = True
            self._line.submit(self._begin_next)

    def _begin_next(self) -> None:
        self._is_next_due = False
        if self._waiting:
            calls, callback = self._waiting.popleft()
            job = self._submitted(calls)
            self._jobs[job] = callback
            job.add_done_callback(self._on_done)
            self._make_next_due()

    def _submitted(self, calls: Calls) -> Future[list[Any]]:
        try:
            return self._client.submit(Named(calls.items[0][0]), calls, self._cores)
        except Exception as error:  # noqa: BLE001  # joblib raises it in the user's thread
            refused: Future[list[Any]] = Future()
            refused.set_exception(error)
            return refused

    def _on_done(self, job: Future[list[Any]]) -> None:
        with suppress(RuntimeError):  # it was closed: nobody waits any more
            self._line.submit(self._finish, job)

    def _finish(self, job: Future[list[Any]]) -> None:
        callback = self._jobs.pop(job, None)
        self._make_next_due()
        if callback is not None:
            callback(job)

    def _cancel(self) -> None:
        self._waiting.clear()
        jobs, self._jobs = self._jobs, {}
        for job in jobs:
            # It may be final by now, or the server away; then nobody can do better.
            with suppress(TaskkitError):
                _cancel(job)  # type: ignore[arg-type]  # what is no job is done


class Named:
    """Makes a bundle's calls in a job that is called by the name of the first.

    It travels without the name: as one function, which server and workers need to see but once.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        self.func = func

    def __call__(self, calls: Calls, cores: Cores) -> list[Any]:
        return make(calls, cores)

    def __reduce__(self) -> tuple[Any, ...]:
        return partial, (make,)


def make(calls: Calls, cores: Cores) -> list[Any]:
    """Return what the calls return, made within a job's share of the cores; for a worker."""
    return cores.run(calls)


def _cancel(job: Job[Any]) -> None:
    if not job.done():
        job.wait_decided(DECIDED_WITHIN_S)
        if job.record.id:
            job.cancel()
