"""What a ledger promises, in the words of jobs; `memory` and `redis` keep it.

Every verb is atomic: it happened whole or not at all, and another process sees it at once.
Times are the ledger's own clock, in milliseconds since the Unix epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Protocol

from ..protocol.cursor import Cursor
from ..protocol.events import Event, JobFailed, JobSucceeded
from ..protocol.jobs import JobRecord, JobState
from ..protocol.spec import JobSpec
from ..protocol.workers import TaskInfo, WorkerInfo

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

RETENTION_S = 7 * 86_400.0
"""How long a final job, its output and its result are kept."""

LOG_EVENTS = 100_000
"""About how many events a log keeps; older ones are trimmed."""


class JobRef(NamedTuple):
    """A job's whole address. What an owner may not see has no ref with its name."""

    owner: str
    id: str


WakeUp = Callable[[JobRef], str]
"""Writes the broker's message that points a worker at a job."""


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
    session: str | None = None

    def fits(self, record: JobRecord) -> bool:
        """Return whether the job is asked for."""
        return (
            self.name in (None, record.title, record.task)
            and (not self.states or record.state in self.states)
            and (self.since is None or record.created_at >= self.since)
            and self.session in (None, record.options.session)
        )


EVERYTHING = JobFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What became of one submitted spec."""

    record: JobRecord
    is_new: bool
    #: False where the key was known, and this is the job that it had made.


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A lease and what to run under it."""

    lease: Lease
    spec: JobSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredResult:
    """An encoded value, or a pickled exception of a failed job."""

    media_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """A stretch of a log, in order and without holes."""

    epoch: str
    events: tuple[Event, ...]
    head: int
    #: The seq of the newest event in the log; 0 where there is none.
    is_gap: bool = False
    #: Whether events between the asked cursor and this page were trimmed, or the epoch is another.


class Ledger(Protocol):
    """The store of jobs, logs, leases and workers."""

    # Jobs, for the server

    def submit(
        self,
        owner: str,
        requests: Sequence[tuple[str, JobSpec]],
        *,
        message: WakeUp | None = None,
    ) -> list[Submission]:
        """Accept specs as queued jobs, each under its idempotency key; all of them or none.

        The same key with an equal spec returns the job it made before. Appends `JobSubmitted`.
        `message` writes each new job's wake-up, which goes to the broker's queue in the same step:
        there is no moment in which a job is accepted and nobody will hear of it. Without it, or
        where the broker is another Redis, whoever submits publishes; new jobs are due for that
        after `PUBLISH_GRACE_S`.

        Raises:
            KeyReused: A key belongs to another spec.
            FunctionNotFound: A new job's function is not here; ``details["function"]`` names it.
        """

    def cancel(self, ref: JobRef) -> JobRecord | None:
        """Make an active job `CANCELLED` and fence its attempt; return the record, None if unknown.

        A job that is final already stays as it is. The attempt's worker is woken to stop it.
        """

    def job(self, ref: JobRef) -> JobRecord | None:
        """Return the job's record as of now, or None."""

    def jobs(
        self,
        owner: str,
        *,
        limit: int = 100,
        before: str | int | None = None,
        matching: JobFilter = EVERYTHING,
    ) -> list[JobRecord]:
        """Return the newest jobs of `owner` that match, newest first.

        before: only those submitted earlier than this job (its id) or this time (ms).
        """

    def result(self, ref: JobRef) -> StoredResult | None:
        """Return what the job's `finish` stored, or None."""

    def published(self, refs: Sequence[JobRef]) -> None:
        """Note that wake-up messages for these queued jobs were handed to the broker just now."""

    def sweep(self, *, is_broker_empty: bool) -> list[JobRef]:
        """Repair what died, and return the queued jobs whose wake-up must be published again.

        Attempts whose lease ended are lost (as by `lose`); workers silent for `WORKER_SILENT_S`
        leave. Queued jobs whose attempt was lost are due at once, new ones after a grace, published
        ones after a back-off, or soon where the broker holds no message at all. Any server may call
        it at any time.
        """

    # Attempts, for the worker

    def claim(self, ref: JobRef, *, worker: str, pid: int) -> Claim | None:
        """Begin an attempt and append `AttemptStarted`; None where the job is not to be had now.

        The process that holds the lease already gets it again: its first reply was lost.
        """

    def append(self, lease: Lease, number: int, events: Sequence[Event]) -> Write:
        """Append progress and output events; `number` counts the attempt's writes from 1."""

    def finish(
        self,
        lease: Lease,
        outcome: JobSucceeded | JobFailed,
        result: StoredResult | None,
        *,
        is_retryable: bool = False,
    ) -> Write:
        """Make the job final, store its result and append the one final event, all in one.

        A failure that `is_retryable` and finds retries left queues the job again (`AttemptFailed`)
        after a wait of `FIRST_RETRY_S`, doubled each time up to `LONGEST_RETRY_S`.
        """

    def lose(self, lease: Lease, cause: str) -> JobRecord | None:
        """End an attempt without an outcome; None where the lease is not valid any more.

        The job is queued again (`AttemptLost`, due for publishing at once) or, where this was the
        last of `MAX_ATTEMPTS` that may be lost, failed with the cause of each (`JobFailed`).
        """

    def give_back(self, lease: Lease, cause: str) -> JobRecord | None:
        """End an attempt because its worker stops; as `lose`, but it counts towards nothing.

        Appends `AttemptReturned`.
        """

    def take(self, timeout_s: float) -> str | None:
        """Take the oldest message from the broker's queue; None where none comes in that time.

        Whoever takes one and dies before its `claim` has lost it: the job is due again later.
        """

    # Workers

    def join(self, worker: WorkerInfo) -> None:
        """Announce a worker and its catalogue. Appends `WorkerJoined` to the workers' log."""

    def beat(self, worker: str) -> list[tuple[Lease, int]] | None:
        """Renew all leases of a worker, and its presence; None where it must join again.

        Returns the (lease, pid) pairs that are no longer valid: their processes must be stopped.
        They are returned until `drop` is called for them, also to a worker that was thought to be
        gone. An attempt that has run `KILL_GRACE_S` longer than its job's `timeout_s` fails here,
        as a `JobTimedOut`; it is tried again like any other failure.
        """

    def held(self, worker: str) -> list[tuple[Lease, int]]:
        """Return all leases in a worker's hands, valid or not, with the process of each."""

    def drop(self, worker: str, lease: Lease) -> None:
        """Forget an invalid lease: its process was stopped."""

    def wait_wake(self, worker: str, timeout_s: float) -> bool:
        """Wait until `cancel` wakes this worker, at most 10 s; return whether it did."""

    def leave(self, worker: str, reason: str) -> None:
        """Say goodbye: give the worker's leases back, append `WorkerLeft`."""

    def workers(self, owner: str) -> list[WorkerInfo]:
        """Return the workers that are there, with the ids of the jobs of `owner` that they run."""

    def tasks(self) -> list[TaskInfo]:
        """Return the tasks that workers offer, by name; while none is there, those last offered."""

    # Functions

    def put_function(self, owner: str, digest: str, pickled: bytes) -> None:
        """Keep a shipped function under the SHA-256 of its pickle; its jobs renew its time."""

    def function(self, owner: str, digest: str) -> bytes | None:
        """Return a shipped function, or None."""

    # Logs

    def head(self, log: str) -> Cursor:
        """Return the log's epoch and its newest seq."""

    def read(self, log: str, after: Cursor, *, limit: int = 500) -> LogPage:
        """Return up to `limit` events after a cursor. An empty epoch in the cursor means any.

        Where the cursor's event is not the one at its place, the ledger was restored from an older
        copy, and other events have taken numbers that were read before: the log begins anew, under
        another epoch, so that every reader is told.
        """

    def follow(self, cursors: Mapping[str, Cursor], *, timeout_s: float) -> dict[str, LogPage]:
        """Wait until one of several logs has events after its cursor; {} when the time is over."""

    def check(self) -> None:
        """Return if the ledger can be read and written.

        Raises:
            Unavailable: It cannot, for the reason in the message.
        """
