"""`Witness`: taskkit's own client, with all that it is told noted as facts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from taskkit.client import Client, Job
from taskkit.ledger import Ledger
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.errors import JobNotFound
from taskkit.protocol.events import Event
from taskkit.protocol.jobs import JobRecord
from taskkit.protocol.spec import LOCAL_OWNER

from .facts import Accepted, Began, CaughtUp, Finished, Forgotten, GapTold, Left, Received
from .recorder import Recorder
from .until import until


class Witness:
    """One client of one user; its watcher is listened to where it hands on what it reads."""

    def __init__(self, name: str, url: str, token: str, recorder: Recorder) -> None:
        self.name = name
        self.client = Client(url, token)
        self.jobs: list[Job[Any]] = []
        self._recorder = recorder
        self._lock = threading.Lock()
        self._accepted: set[Job[Any]] = set()
        self._keys: dict[Job[Any], str] = {}
        self._first: dict[str, Job[Any]] = {}
        self._watcher = self.client._link._watcher
        self._listen()

    def _listen(self) -> None:
        watcher = self._watcher
        take, resynchronise = watcher._take, watcher._resynchronise
        self._note(Began(epoch=self._cursor.epoch, seq=self._cursor.seq))

        def noting(events: Sequence[Event]) -> None:
            epoch = self._cursor.epoch
            for event in events:
                self._note(Received(epoch=epoch, seq=event.seq, type=event.type, job=event.job))
            take(events)

        def starting_over() -> None:
            self._note(GapTold(epoch=self._cursor.epoch, seq=self._cursor.seq))
            resynchronise()

        watcher._take, watcher._resynchronise = noting, starting_over
        link = self.client._link
        adopt = link.adopt

        def adopting(job: Job[Any], record: JobRecord) -> None:
            adopt(job, record)
            self._note_accepted(job)

        link.adopt = adopting  # type: ignore[method-assign]

    @property
    def _cursor(self) -> Cursor:
        return self._watcher._cursor

    def submit(self, key: str, task: Callable[..., Any], *args: Any, **options: Any) -> Job[Any]:
        """Submit a job under a key, and note what becomes of it."""
        job: Job[Any] = self.client.options(key=key, **options).submit(task, *args)
        with self._lock:
            self.jobs.append(job)
            self._keys[job] = key
        self._note_accepted(job)
        job.add_done_callback(self._finished)
        return job

    def _note_accepted(self, job: Job[Any]) -> None:
        # Asked when the answer comes and when `submit` returns, whichever is later.
        with self._lock:
            if not job.record.id or job in self._accepted or job not in self._keys:
                return
            self._accepted.add(job)
        self._note(Accepted(key=self._keys[job], job=job.record.id))

    def _finished(self, job: Any) -> None:
        if not job.record.id:
            return  # it was never accepted
        if self._first.setdefault(job.record.id, job) is not job:
            return  # several submissions under one key have a future each, and one job
        error = None if job.cancelled() else job.exception()
        if isinstance(error, JobNotFound):
            self._note(Forgotten(job=job.record.id))
            return
        value = None if error or job.cancelled() else job.result()
        told = type(error).__name__ if error else value
        self._note(Finished(job=job.record.id, state=str(job.record.state), value=told))

    def unfinished(self) -> list[Job[Any]]:
        """Return the jobs that are not final for this client."""
        return [job for job in self.jobs if not job.done()]

    def catch_up(self, ledger: Ledger, limit_s: float) -> None:
        """Wait until the watcher has read to the log's end, and note that it has."""
        until(
            lambda: self._cursor == ledger.head(LOCAL_OWNER),
            limit_s,
            what=f"{self.name} to catch up",
        )
        self._note(CaughtUp(epoch=self._cursor.epoch))

    def close(self) -> None:
        """Close the client."""
        self.client.close()
        self._note(Left())

    def _note(self, fact: Any) -> None:
        self._recorder.note(self.name, fact)
