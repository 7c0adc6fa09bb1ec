"""What a ledger takes and returns, and the times that it goes by unless told otherwise.

Times are the ledger's own clock, in milliseconds since the Unix epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from ..protocol.events import Event, FiguresDisplayed
from ..protocol.jobs import JobRecord, JobState
from ..protocol.spec import JobSpec

LEASE_S = 30.0
"""How long a worker may be silent before its attempts are given to others."""

WORKER_SILENT_S = 45.0
"""How long a worker may be silent before it counts as gone."""

PUBLISH_GRACE_S = 30.0
"""How long a new job's first wake-up is left to the server that accepted it; less where the broker
holds no message at all."""

REPUBLISH_AFTER_S = 30.0
"""How long a published wake-up may go unclaimed before it is sent again; waits double.
Where the broker holds no message at all, a third of it."""

MOST_CALLS = 10_000
"""Of how many different calls of one owner the jobs are known; those not asked for longest go."""

LOG_EVENTS = 100_000
"""About how many events a log keeps; older ones are trimmed."""


class JobRef(NamedTuple):
    """A job's whole address. What an owner may not see has no ref with its name."""

    owner: str
    id: str


WakeUp = Callable[[str], str]
"""Writes the broker's message that says: in this queue a job waits."""


class Due(NamedTuple):
    """A queued job whose wake-up must be published again."""

    ref: JobRef
    queue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one user may have; None where it does not matter."""

    queued: int | None = None
    #: Jobs that wait, in all queues together.
    running: int | None = None
    #: Jobs that run, in each queue.


UNLIMITED = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many jobs one owner has in one queue."""

    owner: str
    queue: str
    queued: int = 0
    running: int = 0


class Lease(NamedTuple):
    """The right to write for one attempt."""

    ref: JobRef
    token: int
    #: The attempt's number. An older token than the job's current one is refused everywhere.


class Write(StrEnum):
    """What became of a write."""

    DONE = "done"
    REPEATED = "repeated"
    #: It had been done before: the reply was lost, nothing changed now.
    FENCED = "fenced"
    #: The lease is no longer valid: the job is final, or another attempt has it. Stop the work.


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs are asked for; what is None or empty does not matter."""

    name: str | None = None
    #: The job's title, or its task's name.
    states: frozenset[JobState] = frozenset()
    since: int | None = None
    #: Created then or later, ms since the Unix epoch.
    until: int | None = None
    #: Created before then.
    session: str | None = None
    text: str = ""
    #: A part of the job's title, its task's name or its id, in capitals or not.

    def fits(self, record: JobRecord) -> bool:
        """Return whether the job is asked for."""
        return (
            self.name in (None, record.title, record.task)
            and (not self.states or record.state in self.states)
            and (self.since is None or record.created_at >= self.since)
            and (self.until is None or record.created_at < self.until)
            and self.session in (None, record.options.session)
            and (not self.text or self._is_in(record.title, record.task, record.id))
        )

    def _is_in(self, *names: str) -> bool:
        text = self.text.casefold()
        return any(text in name.casefold() for name in names)


EVERYTHING = JobFilter()

MOST_LOOKED_AT = 5_000
"""How many jobs one page of a list looks at, at most, to find those that match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """A stretch of a list of jobs, newest first."""

    records: tuple[JobRecord, ...]
    #: May be fewer than were asked for, also none, where there are more pages.
    next: str | None
    #: The place at which the list goes on, for the ledger that wrote it; None at its end. It stays
    #: good when jobs are submitted and when those around it are not kept any more.


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What became of one submitted spec."""

    record: JobRecord
    is_new: bool
    #: False where the key was known, and this is the job that it had made.
    is_recalled: bool = False
    #: Whether this is the job of an earlier submission, of an equal call.


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A lease and what to run under it."""

    lease: Lease
    spec: JobSpec


class Full(Enum):
    """What a process is told whose worker has no room for a job now: it is to wait."""

    FULL = "full"


FULL = Full.FULL

SAVING_S = 15.0
"""For how long a worker keeps a job for itself that it has no room for yet, if it does not say so
again. Until then it takes no other."""


WATCHED_S = 2.0
"""For how long a worker that was called to look after what its processes have claimed besides what
they run is not called again for that: it looks on by itself."""


def loads_of(counts: Mapping[tuple[str, str, str], int]) -> list[Load]:
    """Return the loads of ``(owner, queue, state)`` and how many there are, by queue and owner."""
    of: dict[tuple[str, str], Load] = {}
    for (owner, queue, state), n in counts.items():
        load = of.get((queue, owner), Load(owner=owner, queue=queue))
        is_queued = state == JobState.QUEUED
        of[queue, owner] = replace(load, queued=n) if is_queued else replace(load, running=n)
    return [of[place] for place in sorted(of)]


def blobs_of(event: Event) -> list[str]:
    """Return the digests of the blobs that an event speaks of."""
    figures = event.figures if isinstance(event, FiguresDisplayed) else ()
    return [figure.digest for figure in figures if figure.digest]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResult:
    """An encoded value, or a pickled exception of a failed job."""

    media_type: str
    body: bytes
    blobs: tuple[str, ...] = ()
    #: Digests of what is large of it, when it is stored.


SHEET_CHARS = 32
"""How much of its SHA-256 a sheet goes by."""


@dataclass(frozen=True)
class Sheet:
    """A part of what is known of how jobs ran, the same for many of them, and kept once."""

    text: str
    #: A JSON object.

    @cached_property
    def digest(self) -> str:
        """What it is kept under."""
        return sha256(self.text.encode()).hexdigest()[:SHEET_CHARS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a worker says of how an attempt ran, for the job's card."""

    sheets: tuple[Sheet, ...] = ()
    arguments: str = ""
    #: The SHA-256 of pickled arguments that are larger than `KEPT_ARGUMENTS_BYTES`, and so not kept
    #: when the job has succeeded; empty of others.


NOT_SAID = Ran()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What a job was made of and how it ran, as far as that is kept, whatever became of it."""

    spec: JobSpec
    #: Its payload is empty where the arguments are not kept any more.
    arguments: str = ""
    #: Their SHA-256 then.
    sheets: tuple[str, ...] = ()
    #: The texts of those that are kept, of the last attempt that had an outcome.
    lost: int = 0
    #: How many are not kept any more.


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """A stretch of a log, in order and without holes."""

    epoch: str
    events: tuple[Event, ...]
    head: int
    #: The seq of the newest event in the log; 0 where there is none.
    is_gap: bool = False
    #: Whether events between the asked cursor and this page were trimmed, or the epoch is another.
