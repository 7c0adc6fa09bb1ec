"""`Scene`: a stock build at work, as faults see it."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chaos.facts import Entry, FaultBegan, FaultEnded, Kept, Logged
from chaos.recorder import Recorder
from chaos.until import until

from .build import Build
from .client import Client
from .notes import OWNER

JOB_S = 0.06

QUIET_S = 4.0
"""No news for so long while nothing waits in the queue: none will come. A worker needs 3 s to come
back, and until then the queue is not empty."""

LIMIT_S = 20.0

STATES = {"PENDING": "queued", "STARTED": "running", "SUCCESS": "succeeded", "FAILURE": "failed"}
"""Celery's word for a state -> ours."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A build, a client that submits to it, and the record of both."""

    build: Build
    client: Client
    recorder: Recorder
    random: random.Random

    @contextmanager
    def submitting(self, keys: list[str], pause_s: float) -> Iterator[None]:
        """Submit jobs meanwhile, from when the build is well; return when all are accepted."""
        until(lambda: self.client.is_connected, LIMIT_S, what="a connected client")
        self.build.until_server_subscribes()
        self.build.until_worker_waits()
        self.build.until_queue_is_empty()
        thread = threading.Thread(target=self.client.submit, args=(keys, JOB_S, pause_s))
        thread.start()
        try:
            yield
        except BaseException:
            self.client.close()
            raise
        finally:
            thread.join()

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        """Something is broken meanwhile."""
        self.recorder.note("fault", FaultBegan(name=name))
        yield
        self.recorder.note("fault", FaultEnded(name=name))

    def until_accepted(self, more: int) -> None:
        """Return when so many more jobs are accepted, or all that are to be."""
        aim = min(len(self.client.accepted) + more, self.client.due)
        until(lambda: len(self.client.accepted) >= aim, LIMIT_S, what="the acceptance of jobs")

    def until_finished(self, more: int) -> None:
        """Return when the client was told of so many more ends."""
        aim = len(self.client.finished) + more
        until(lambda: len(self.client.finished) >= aim, LIMIT_S, what="the end of jobs")

    def until_settled(self) -> None:
        """Return when all is finished, or no more will be; at the latest after a while."""
        limit = time.monotonic() + LIMIT_S

        def is_settled() -> bool:
            return self.client.has_all() or self._is_quiet() or time.monotonic() > limit

        until(is_settled, 2 * LIMIT_S)

    def note_what_is_left(self, entries: list[Entry]) -> None:
        """Note the records of all jobs, and that the client holds to have been told of all."""
        for job, state in self.build.states(self.client.accepted).items():
            self.recorder.note("ledger", Kept(owner=OWNER, job=job, state=STATES[state], attempt=1))
        facts = (entry.fact for entry in entries)
        epochs = dict.fromkeys(fact.epoch for fact in facts if isinstance(fact, Logged))
        self.client.hold_to_have_all(epochs)

    def _is_quiet(self) -> bool:
        is_silent = time.monotonic() > self.client.last_news_t + QUIET_S
        return is_silent and self.build.is_queue_empty()
