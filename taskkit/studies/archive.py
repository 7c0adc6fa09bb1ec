"""The archive of one study: its records, and the jobs that carry its rows, kept by the ledger.

A record is a job that returns it. Its idempotency key ends in its number, and the ledger takes each
key once: so records form a list to which several kernels may append, and none is written over. What
was asked for last is in the newest.
"""

from __future__ import annotations

import re
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

from ..client import history
from ..client.accepting import Accepting
from ..client.job import Job
from ..client.shipping import Shipped
from ..client.submitter import Request
from ..protocol.errors import KeyReused, Unavailable
from ..protocol.jobs import JobRecord, JobState
from ..protocol.options import MOST_PRIORITY, JobOptions
from ..protocol.spec import sealed
from ..travel.classes import OWN_CLASSES
from ..travel.functions import PYTHON_MINOR, pickle_arguments, pickle_value
from ..travel.outgoing import Outgoing, arrived
from .desk import Desk
from .pieces import key_of, session_of
from .record import Record

TASK = "study record"

_NUMBER = re.compile(r"record (\d+)", re.ASCII)

MOST_JOBS = 1_000_000

READ_S = 60.0
"""How long a record is waited for that no worker has read yet."""

RENEW_S = 86_400.0
"""How old a record becomes before its study writes it anew: final jobs are kept for some days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the ledger has of a study."""

    records: dict[int, JobRecord]
    #: By their numbers, the newest last.
    pieces: list[JobRecord]
    #: In the order in which they were submitted.

    @property
    def next_number(self) -> int:
        """The number of the record that comes next."""
        return max(self.records, default=-1) + 1


def names(desk: Desk) -> list[str]:
    """Return the names of all studies that are kept, the newest first."""
    found = history.records(desk.link.http, [("q", TASK)], MOST_JOBS, page=1000)
    prefix = session_of("")
    sessions = (record.options.session for record in found if record.task == TASK)
    return list(dict.fromkeys(one.removeprefix(prefix) for one in sessions))


class Archive:
    """Of the study of one name."""

    def __init__(self, desk: Desk, name: str) -> None:
        self._desk = desk
        self._name = name

    def look(self) -> Found:
        """Ask the server for all jobs of the study."""
        asked: history.Query = [("session", session_of(self._name))]
        found = history.records(self._desk.link.http, asked, MOST_JOBS, page=1000)[::-1]
        records = {
            int(number[1]): record
            for record in found
            if record.task == TASK and (number := _NUMBER.fullmatch(record.title))
        }
        pieces = [record for record in found if record.task != TASK]
        return Found(records=dict(sorted(records.items())), pieces=pieces)

    def newest(self, found: Found, guess: Record | None = None) -> Record | None:
        """Return the newest record; None where there is none.

        `guess` is what it may be: where no worker has read the first one, that tells.

        Raises:
            Unavailable: It is there, and no worker has read it in time.
        """
        for number, record in reversed(found.records.items()):
            if record.state in (JobState.FAILED, JobState.CANCELLED):
                continue
            is_guessed = number == 0 and guess is not None and not record.is_final
            if is_guessed and guess is not None and self.put(0, guess):
                return guess
            return self._read(record)
        return None

    def is_old(self, found: Found) -> bool:
        """Return whether the newest record will not be kept for long any more."""
        newest = next(reversed(found.records.values()), None)
        return newest is not None and newest.created_at / 1000 < time.time() - RENEW_S

    def put(self, number: int, record: Record) -> bool:
        """Keep a record under this number; return False where that is another's.

        Waits until the server has it; the same record under the same number is there once.
        """
        job, request = self._request(number, record)
        self._desk.link.send([request], [job])
        try:
            return bool(job.id)
        except KeyReused:
            return False

    def _read(self, record: JobRecord) -> Record:
        job: Job[bytes] = self._desk.link.attach(record)
        try:
            kept = job.result(READ_S)
        except TimeoutError as error:
            raise Unavailable(
                f"what the study {self._name!r} is waits to be read by a worker: {error}"
            ) from error
        read: Record = arrived(kept, self._desk.link.blobs, OWN_CLASSES.load)
        return read

    def _request(self, number: int, record: Record) -> tuple[Job[Any], Request]:
        link = self._desk.link
        options = self._options(number)
        outgoing = Outgoing(link.blobs)
        shipped = Shipped(bytes, outgoing)
        kept, its_blobs = pickle_value(record, outgoing)
        # As it is: workers need nothing of what is within, and every kernel pickles it otherwise.
        pickled, blobs = pickle_arguments((kept,), {}, outgoing)
        key = key_of(self._name, number)
        payload = sealed(record.work(), pickled)
        body: dict[str, Any] = {
            "task": TASK,
            "key": key,
            "options": options.said(),
            "function": shipped.encoded[0],
            "payload": b64encode(payload).decode(),
            "python": PYTHON_MINOR,
            "blobs": list(dict.fromkeys((*shipped.blobs, *its_blobs, *blobs, *record.blobs))),
        }
        job: Job[Any] = Job(link, TASK, options, key=key, work=key)
        size = len(body["payload"]) + len(shipped.encoded[1])
        accepting = Accepting(link, job)
        return job, Request(job=accepting, body=body, function=shipped.encoded, size_bytes=size)

    def _options(self, number: int) -> JobOptions:
        given = self._desk.options
        return JobOptions(
            name=f"record {number}",
            session=session_of(self._name),
            queue=given.queue,
            tags=given.tags,
            priority=MOST_PRIORITY,
        )
