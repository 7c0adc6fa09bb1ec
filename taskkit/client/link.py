"""One connection to one server, shared by all clients that `options` made of one another."""

from __future__ import annotations

import atexit
import math
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from typing import Any

from ..connection import Connection
from ..protocol import wire
from ..protocol.cursor import Cursor
from ..protocol.errors import JobNotFound, TaskkitError, Unauthorized
from ..protocol.events import Event
from ..protocol.jobs import JobRecord, JobState
from .board import Board
from .cards import Cards
from .catalogue import Catalogue
from .deferred import Deferred
from .displayed import Contents
from .environments import Environments
from .errands import Errands
from .fetcher import Fetcher
from .http import Http
from .job import Job
from .language import require_protocol, require_user
from .own_blobs import OwnBlobs
from .results import Outcome, is_inline, outcome_of
from .shares import Expires, Share, share
from .spread import Spread
from .submitter import Request, Submitter
from .waits import Waits
from .watcher import Watcher

EXIT_S = 10.0
"""How long an interpreter that ends waits until the server has what was submitted."""

WORKERS_S = 10.0
"""For how long the count of workers is taken as it was."""


class Link:
    """Sends requests, reads events, and tells jobs what became of them."""

    def __init__(self, connection: Connection) -> None:
        self.http = Http(connection)
        hello = self.http.get("/hello")
        require_protocol(hello, connection.url)
        require_user(hello)
        self.owner: str = hello["owner"]
        place = hello["logs"]["jobs"]
        self._board = Board()
        self._fetcher = Fetcher()
        self._callbacks = Errands("taskkit-callbacks")
        self._submitter = Submitter(self.http)
        self._waits = Waits(self._board, self.http, self._fetcher.run)
        self._watcher = Watcher(
            connection,
            self.http,
            Cursor(place["epoch"], place["seq"]),
            take=self._take,
            resynchronise=self._resynchronise,
            look_round=self._look_round,
        )
        self.blobs = OwnBlobs(self.http)
        self.contents = Contents(self.blobs)
        self.cards = Cards(self.http, self.blobs, self._fetcher.run)
        self.catalogue = Catalogue(self.http)
        self.environments = Environments(self.catalogue.environments, behind=self._fetcher.run)
        self._lock = threading.Lock()
        self._held: weakref.WeakSet[Job[Any]] = weakref.WeakSet()
        #: All jobs that somebody holds.
        self._is_shut = threading.Event()
        self._is_closed = threading.Event()
        self._is_dropped = False
        atexit.register(_at_exit, weakref.ref(self))
        self._processes = (0, -math.inf)
        #: How many there were, and when they were counted.
        self.spreads: weakref.WeakSet[Spread] = weakref.WeakSet()
        #: The maps of which somebody holds the batch, or items have no job yet.
        self.studies: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
        #: The named studies that are open here: two of one name would give the same rows to jobs.

    def require_open(self) -> None:
        """Return if more may be submitted.

        Raises:
            RuntimeError: It was shut down. The type and the words of the standard library's.
        """
        if self._is_shut.is_set():
            raise RuntimeError("cannot schedule new futures after shutdown")

    def send(self, requests: list[Request], jobs: list[Job[Any]]) -> None:
        """Queue submissions; their jobs are unfinished from now on."""
        self._watcher.start()
        self._submitter.send(requests)
        with self._lock:
            self._held.update(jobs)

    def adopt(self, job: Job[Any], record: JobRecord) -> None:
        """Let a job follow its record from now on.

        One that has ended before this client knew of it has its outcome brought when somebody asks:
        there may be a thousand of them.
        """
        job.accept(record)
        with self._lock:
            self._held.add(job)
        if record.is_final and record.state is not JobState.CANCELLED:
            job.defer(record, Deferred(partial(self._bring, record)))
            return
        if self._board.add(job, record):
            self._fetcher.run(partial(self._ask, record.id))

    def attach(self, record: JobRecord) -> Job[Any]:
        """Return a job for a record that the server brought."""
        self._watcher.start()
        job: Job[Any] = Job(self, record.task, record.options)
        self.adopt(job, record)
        return job

    def unfinished(self) -> list[Job[Any]]:
        """Return the jobs that somebody holds and that are not final."""
        with self._lock:
            return [job for job in self._held if not job.done()]

    def shut(self) -> None:
        """Take no more submissions from users. What maps have not sent yet is sent still."""
        self._is_shut.set()

    def finish(self) -> None:
        """Wait until all that was submitted is final, as far as somebody holds it; then close."""
        self.shut()
        for spread in list(self.spreads):
            spread.wait()
            del spread
        while jobs := self.unfinished():
            try:
                jobs.pop().wait_final()
            except Unauthorized as error:
                # Nothing will be told of the others either; who asks for one is told that.
                for job in self.unfinished():
                    job.lose(error)
            del jobs
        self.close()

    def finish_behind(self) -> None:
        """Do that in the background, without a thread where there is nothing to wait for."""
        self.shut()
        if self._is_closed.is_set():
            return
        if self._is_spreading() or self.unfinished():
            threading.Thread(target=self.finish, name="taskkit-close", daemon=True).start()
        else:
            self.close()

    def be_dropped(self) -> None:
        """Note that no client holds it any more. From within the garbage collector: no locks."""
        self._is_dropped = True

    def _look_round(self) -> None:
        """Close, once nobody holds a client or a job any more, and no map is being sent."""
        self._waits.look()
        if self._is_dropped and not self._held and not self._is_spreading():
            self.close()

    def _is_spreading(self) -> bool:
        return any(not spread.is_over() for spread in list(self.spreads))

    def close(self) -> None:
        """End all threads."""
        self.shut()
        self._is_closed.set()
        self._watcher.stop()
        self._submitter.stop()
        self._fetcher.stop()
        self._callbacks.stop()
        self.contents.stop()
        self.http.close()

    def at_exit(self) -> None:
        """Wait, when the interpreter ends, until the server has what was submitted."""
        deadline = time.monotonic() + EXIT_S
        for spread in list(self.spreads):
            spread.join(max(0.0, deadline - time.monotonic()))
        self.shut()
        self._submitter.wait_idle(max(0.0, deadline - time.monotonic()))

    def call_back(self, call: Callable[[], object]) -> None:
        """Have a user's callbacks called, in a thread that does not bring the news."""
        self._callbacks.run(call)

    def processes(self) -> int:
        """Return how many jobs the workers that are there can run at once; 1 where none is, or
        where the server cannot say and has not said before.
        """
        now = time.monotonic()
        count, asked_at = self._processes
        if now - asked_at > WORKERS_S:
            with suppress(TaskkitError):
                count = sum(worker.processes for worker in self.catalogue.workers())
                self._processes = count, now
        return max(1, count)

    # What jobs ask for

    def settle(self, job: Job[Any], record: JobRecord) -> None:
        """Bring a final job's outcome: at once where it is in the record, else from the server."""
        if record.state is JobState.CANCELLED:
            job.conclude(error=CancelledError(f"job {record.id} was cancelled"))
        elif is_inline(record):
            self._conclude(job, record)
        else:
            self._fetcher.run(lambda: self._conclude(job, record))

    def refresh(self, job_id: str) -> None:
        """Ask the server for a job's record; what it cannot say now, events will.

        Raises:
            Unauthorized: The token is not valid any more, and nothing will be told.
        """
        try:
            self._ask(job_id)
        except Unauthorized:
            raise
        except TaskkitError:
            return

    def _refresh_quietly(self, job_id: str) -> None:
        with suppress(TaskkitError):
            self._ask(job_id)

    def _ask(self, job_id: str) -> None:
        try:
            record = wire.record_from_wire(self.http.get(f"/jobs/{job_id}"))
        except JobNotFound as error:
            self._board.forget(job_id, error)
        else:
            self._board.replace(record)

    def cancel_job(self, job_id: str, *, dependents: bool = False) -> JobRecord:
        """Have a job cancelled, and those that wait for it if asked; return its record then."""
        query = "?dependents=true" if dependents else ""
        record = wire.record_from_wire(self.http.post(f"/jobs/{job_id}/cancel{query}"))
        self._board.replace(record)
        return record

    def retry_job(self, job_id: str, key: str) -> Job[Any]:
        """Have a job that failed or was cancelled submitted again, once a key; return that one."""
        self.require_open()
        return self.attach(wire.record_from_wire(self.http.post(f"/jobs/{job_id}/retry", key=key)))

    def share(self, ids: Sequence[str], expires: Expires, note: str) -> Share:
        """Make a link to some jobs."""
        return share(self.http, ids, expires, note)

    def connection(self) -> str:
        """Return "" while news arrive as they should, else what is being done about it."""
        return self._watcher.connection()

    def _conclude(self, job: Job[Any], record: JobRecord) -> None:
        outcome = outcome_of(record, self.http, self.blobs)
        job.conclude(value=outcome.value, error=outcome.error)

    def _bring(self, record: JobRecord) -> Outcome:
        if self._is_closed.is_set() and not is_inline(record):
            raise RuntimeError(f"the client is closed; with another, ask for job {record.id} again")
        return outcome_of(record, self.http, self.blobs)

    def _take(self, events: Sequence[Event]) -> None:
        for job_id in self._board.fold(events):
            self._fetcher.run(partial(self._refresh_quietly, job_id))

    def _resynchronise(self) -> None:
        for job_id in self._board.active():
            self._refresh_quietly(job_id)


def _at_exit(link: weakref.ref[Link]) -> None:
    there = link()
    if there is not None:
        there.at_exit()
