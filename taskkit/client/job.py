"""A job as the notebook holds it: a future that also knows how far it is."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import replace
from typing import Any, Generic, TypeVar

from ..protocol.jobs import ErrorInfo, JobRecord, JobState, Progress
from ..protocol.options import DEFAULT, JobOptions
from .as_argument import AsArgument
from .callbacks import call_all
from .carded import Carded
from .decision import Decision
from .deferred import Deferred
from .in_cells import InCells
from .results import in_words
from .seen import Seen, accepted, as_asked
from .service import Service
from .sharing import SharedJob

T = TypeVar("T")

RECHECK_S = 5.0
"""How often a blocking wait asks the server itself, whatever events say."""

ProgressCallback = Callable[[Progress], object]


class Job(AsArgument, Carded, InCells, Seen, SharedJob, Future, Generic[T]):  # type: ignore[type-arg]
    """One submission of a task; a `concurrent.futures.Future`, and awaitable.

    Losing the connection, the server or a worker does not end it: `result` waits on. Interrupting a
    wait leaves the job running; `cancel` ends it, also while it runs.
    """

    def __init__(
        self,
        service: Service,
        task: str,
        options: JobOptions = DEFAULT,
        *,
        key: str = "",
        work: str = "",
    ) -> None:
        super().__init__()
        self._service = service
        self._key = key
        #: The idempotency key that it is submitted under, where this client submits it.
        self._work = work
        #: What it is to jobs that are given its result, under a key of theirs.
        self._record = JobRecord(id="", task=task, options=options)
        self._following = threading.Lock()
        self._decision = Decision()
        self._refusal: BaseException | None = None
        self._is_settled = False
        self._deferred: Deferred | None = None
        self._retry_key = ""
        self._progress_callbacks: list[ProgressCallback] = []
        self.takers: list[Callable[[T], object]] = []
        #: Called with the value whenever somebody asks for it, in their thread, before they get it.

    # What is known of it

    @property
    def record(self) -> JobRecord:
        """Everything known of the job, as of now."""
        return self._record

    @property
    def id(self) -> str:
        """The job's id; waits until the server has accepted it.

        Raises:
            RequestError: The server refused it.
        """
        self._decision.wait()
        if self._refusal is not None:
            raise self._refusal
        return self._record.id

    @property
    def task(self) -> str:
        """The task's name."""
        return self._record.task

    @property
    def state(self) -> JobState:
        """Where the job stands."""
        return self._record.state

    @property
    def progress(self) -> Progress | None:
        """What it last said of how far it is; None if nothing."""
        return self._record.progress

    @property
    def output(self) -> str:
        """The end of what it has printed and logged."""
        return self._record.output

    def running(self) -> bool:
        """Return whether a worker runs it now."""
        return self._record.state is JobState.RUNNING and not self.done()

    # Waiting for it

    def wait_decided(self, timeout: float) -> None:
        """Wait until the server has accepted or refused the job, `timeout` seconds at most.

        Raises:
            RequestError: The server refused it.
        """
        self._decision.wait(timeout)
        if self._refusal is not None:
            raise self._refusal

    def result(self, timeout: float | None = None) -> T:
        """Wait for what the task returns, `timeout` seconds at most.

        Raises:
            TimeoutError: The time is over; the job goes on.
            Unauthorized: The token was revoked or has expired; the job goes on.
            CancelledError: It was cancelled.
            JobTimedOut: It ran for longer than its own `timeout_s`.
            JobLost: Its attempts died, and it was given up.
            Exception: What the task raised, with the worker's traceback as its cause.
        """
        try:
            self._wait(timeout)
            value: T = (
                super().result(0) if self._deferred is None else self._deferred.value(timeout)
            )
            call_all(self.takers, value)
            return value
        finally:
            del self  # as in `Future.result`: the error holds this frame, and the job the error

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait likewise, and return what the task raised, or None."""
        self._wait(timeout)
        return super().exception(0) if self._deferred is None else self._deferred.error(timeout)

    def wait_final(self, timeout: float | None = None) -> None:
        """Wait until the job is final, whatever its outcome.

        Raises:
            TimeoutError: It is not after `timeout` seconds.
        """
        self._wait(timeout)

    def look_again(self) -> None:
        """Ask the server what has become of the job: a wait never depends on events alone.

        Raises:
            Unauthorized: The token is not valid any more; the job goes on.
        """
        if self._decision.is_set() and not self.done():
            self._service.refresh(self._record.id)

    def __await__(self) -> Generator[Any, None, T]:
        if self._deferred is not None:  # in a thread of the loop's own, which waits for the server
            return asyncio.to_thread(self.result).__await__()
        future: asyncio.Future[T] = asyncio.wrap_future(self)
        return future.__await__()

    def on_progress(self, callback: ProgressCallback) -> None:
        """Call `callback(progress)` with each report from now on, in a thread of the client's.

        What it raises is passed over. It should return soon: other jobs' news wait for it.
        """
        self._progress_callbacks.append(callback)

    # Ending it

    def cancel(self, *, dependents: bool = False) -> bool:
        """End the job, queued or running; return whether it is cancelled now.

        Jobs that are to be given its result fail, or by `dependents` are cancelled with it.
        """
        if self.done():
            return self.cancelled()
        record = self._service.cancel_job(self.id, dependents=dependents)
        if record.state is JobState.CANCELLED:
            self.follow(record)
        return record.state is JobState.CANCELLED

    def retry(self) -> Job[T]:
        """Submit it again after it failed or was cancelled; return the new job.

        It is made of what was sent then: changes of the function since do not count.

        Raises:
            JobNotFailed: It may succeed still, or has.
            JobNotFound: What it was made of is not kept any more.
        """
        # Kept until an answer came: repeated after a lost one, it makes no second job.
        self._retry_key = self._retry_key or uuid.uuid4().hex
        again: Job[T] = self._service.retry_job(self.id, self._retry_key)
        self._retry_key = ""
        return again

    def connection(self) -> str:
        """Return "" while news arrive as they should, else what is being done about it."""
        return "" if self.done() else self._service.connection()

    def __repr__(self) -> str:
        return f"<Job {self.title}: {self.state}>"

    # What its client tells it

    def accept(self, record: JobRecord) -> None:
        """The server has the job. For the client."""
        if not self._decision.is_set():
            # Only what never changes: `follow` brings the rest, and settles what is final.
            self._record = accepted(self._record, record)
            self._decision.set()

    def refuse(self, error: BaseException) -> None:
        """The server does not want the job. For the client."""
        self._refusal = error
        info = ErrorInfo(type=type(error).__name__, message=str(error))
        self._record = replace(self._record, state=JobState.FAILED, error=info)
        self._decision.set()
        self.conclude(error=error)

    def withdraw(self) -> None:
        """It was cancelled before it was sent. For the client."""
        self._refusal = CancelledError("the job was cancelled before it was sent")
        self._record = replace(self._record, state=JobState.CANCELLED)
        self._decision.set()
        self.conclude(error=self._refusal)

    def lose(self, error: BaseException) -> None:
        """The server does not know the job any more. For the client."""
        self.conclude(error=error)

    def follow(self, record: JobRecord) -> None:
        """Take a record, unless it is older than what is known. For the client."""
        with self._following:
            if record.seq < self._record.seq or self._is_settled:
                return
            before, self._record = self._record, as_asked(record, self._record)
            self._is_settled = record.is_final
        if record.progress is not None and record.progress != before.progress:
            call_all(self._progress_callbacks, record.progress)
        if record.is_final:
            self._service.settle(self, record)
        self._changed()

    def defer(self, record: JobRecord, outcome: Deferred) -> None:
        """Take a final record whose outcome is brought when it is asked for. For the client."""
        self._record, self._is_settled, self._deferred = record, True, outcome
        # What is seen without asking: that it has ended, and whether in an error.
        self.conclude(error=in_words(record) if record.error else None)

    def conclude(self, *, value: Any = None, error: BaseException | None = None) -> None:
        """Set the outcome, once. For the client."""
        if self.done():
            return
        # A task may raise the same error itself, and then it has failed.
        if isinstance(error, CancelledError) and self._record.state is not JobState.FAILED:
            super().cancel()
            self.set_running_or_notify_cancel()
        elif error is not None:
            self.set_exception(error)
        else:
            self.set_result(value)
        self._progress_callbacks.clear()
        self._changed()

    def _invoke_callbacks(self) -> None:
        # Not in the thread that brings the news: a callback may wait for another job.
        if self._done_callbacks:  # type: ignore[attr-defined]  # the standard library's own
            self._service.call_back(super()._invoke_callbacks)  # type: ignore[misc]

    def _wait(self, timeout: float | None) -> None:
        # In slices, asking the server after each.
        left = timeout
        while not self.done():
            slice_s = RECHECK_S if left is None else min(RECHECK_S, max(0.0, left))
            try:
                super().exception(slice_s)
            except FutureTimeout:
                if left is not None:
                    left -= slice_s
                    if left <= 0:
                        told = f"{self!r} is not final after {timeout:g} s; it goes on"
                        raise TimeoutError(told) from None
                self.look_again()
            except CancelledError:
                return
