"""What a ledger promises, in the words of jobs; `memory` and `redis` keep it.

Every verb is atomic: it happened whole or not at all, and another process sees it at once.
Times are the ledger's own clock, in milliseconds since the Unix epoch.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from ..protocol.cursor import Cursor
from ..protocol.events import Event, JobFailed, JobSucceeded
from ..protocol.jobs import JobRecord, JobState
from ..protocol.needs import Advert, Needs
from ..protocol.options import DEFAULT_QUEUE
from ..protocol.spec import JobSpec
from ..protocol.workers import TaskInfo, WorkerInfo
from .finisher import Finisher
from .terms import (
    EVERYTHING,
    MOST_LOOKED_AT,
    Claim,
    Due,
    Full,
    JobFilter,
    JobPage,
    JobRef,
    Lease,
    Limits,
    Load,
    LogPage,
    Made,
    Ran,
    StoredResult,
    Submission,
    WakeUp,
    Write,
)


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

        A job that is `after` others is not to be had before all of them have succeeded; then its
        wake-up is sent. Where one of them fails or is cancelled, it fails, too.

        Where a process waits for one (`finish_and_claim`), the job whose turn it is begins in the
        same step.

        A spec with an `identity` that has a key gets the job of an equal call, if that is queued,
        runs or has succeeded and is kept still; it is kept as long from now on as one that has just
        ended. Equal is the key, and of the jobs that it is `after`, that they are the same jobs.
        Else it says why it runs, by what differs from the last call of its topics (`Rerun`).

        Raises:
            KeyReused: A key belongs to another spec.
            QuotaReached: The owner would have more jobs queued than `limit` allows;
                ``details["room"]`` is how many fit.
            JobNotFound: A job that another is to be after is not here; ``details["job"]`` names it.
            FunctionNotFound: A new job's function is not here; ``details["function"]`` names it.
        """

    def cancel(self, ref: JobRef, *, dependents: bool = False) -> JobRecord | None:
        """Make an active job `CANCELLED` and fence its attempt; return the record, None if unknown.

        The jobs that wait for its result fail, or, by `dependents`, are cancelled with it.

        A job that is final already stays as it is. The attempt's worker is woken to stop it.
        """

    def job(self, ref: JobRef) -> JobRecord | None:
        """Return the job's record as of now, or None."""

    def records(self, refs: Sequence[JobRef]) -> list[JobRecord | None]:
        """Return the records of some jobs, all as of one moment, in their order."""

    def forget_calls(self, owner: str, task: str = "") -> None:
        """Have no earlier job of a task, or of any, stand for a call any more; they stay."""

    def keyed(self, owner: str, key: str) -> JobRef | None:
        """Return the job that was made under an idempotency key, or None."""

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

    def page(
        self,
        owner: str,
        *,
        limit: int = 100,
        place: str | None = None,
        before: str | int | None = None,
        matching: JobFilter = EVERYTHING,
        look_at: int = MOST_LOOKED_AT,
    ) -> JobPage:
        """Return one page of that list, and where the next one begins.

        `place` is the `next` of the page before it, and comes before `before`. About `look_at` jobs
        are looked at, at most, so that a filter which hardly any job matches takes several pages.

        Raises:
            InvalidRequest: The place is none that a ledger wrote.
        """

    def spec(self, ref: JobRef) -> JobSpec | None:
        """Return what was submitted, to be submitted again; None of a job that is not known, and of
        one that has succeeded: its arguments are let go. Jobs that it is after are told by ids.
        Its identity is renewed: it is to be run in any case.
        """

    def made(self, ref: JobRef) -> Made | None:
        """Return what a job was made of and how it ran, in any state; None where it is not known.

        Sheets are kept for twice `RETENTION_S` from when a job that has them ended, about.
        """

    def result(self, ref: JobRef) -> StoredResult | None:
        """Return what the job's `finish` stored, or None."""

    def published(self, refs: Sequence[JobRef]) -> None:
        """Note that wake-up messages for these queued jobs were handed to the broker just now."""

    def sweep(self, *, empty: Collection[str] = ()) -> list[Due]:
        """Repair what died, and return the queued jobs whose wake-up must be published again.

        `empty` are the queues of which the broker holds no message.

        Attempts whose lease ended are lost (as by `lose`); workers silent for `WORKER_SILENT_S`
        leave. Queued jobs whose attempt was lost are due at once, new ones after a grace, published
        ones after a back-off, or soon in a queue of which the broker holds no message. Any server
        may call it at any time.
        """

    # Queues, for the server

    def limit(self, limits: Limits) -> None:
        """Have these limits hold for every owner from now on."""

    def queues(self) -> list[str]:
        """Return the names of the queues that ever held a job."""

    def loads(self) -> list[Load]:
        """Return how many active jobs each owner has in each queue, of those who have any."""

    def tally(self, owner: str) -> dict[JobState, int]:
        """Return how many jobs of `owner` are in each state; it takes as long for any number."""

    # Attempts, for the worker

    def claim(self, ref: JobRef, *, worker: str, pid: int) -> Claim | None:
        """Begin an attempt and append `AttemptStarted`; None where the job is not to be had now.

        The process that holds the lease already gets it again: its first reply was lost.
        """

    def claim_next(
        self, queue: str, *, worker: str, pid: int, has_waited: bool = False
    ) -> Claim | Full | None:
        """Claim the job whose turn it is in a queue; None where there is none to be had.

        Of jobs that need more than the queue (`needs_of`) only those whose turn counts that the
        worker fits. Where its other jobs leave it no room for the next one, it is full: it takes no
        other until it has, unless another worker keeps its room for that job already. The wake-up
        that led here is sent again, unless the process `has_waited` for room.

        It is the turn of the owner with the fewest jobs running in this queue; of several, of the
        one who was served longest ago. An owner's jobs go by priority, then as they were submitted.
        Nobody has more running than `limit` allows. The process that holds a valid lease gets that
        one again.
        """

    def append(self, lease: Lease, number: int, events: Sequence[Event]) -> Write:
        """Append events of `events.SAID`; `number` counts the attempt's writes from 1."""

    def finish(
        self,
        lease: Lease,
        outcome: JobSucceeded | JobFailed,
        result: StoredResult | None,
        *,
        is_retryable: bool = False,
        ran: Ran | None = None,
    ) -> Write:
        """Make the job final, store its result and append the one final event, all in one.

        ran: how it ran, which `made` tells then. Small arguments are kept with it; without it none
        of a job that has succeeded are.

        A failure that `is_retryable` and finds retries left queues the job again (`AttemptFailed`)
        after a wait of `FIRST_RETRY_S`, doubled each time up to `LONGEST_RETRY_S`.
        """

    def finish_and_claim(
        self,
        lease: Lease,
        outcome: JobSucceeded | JobFailed,
        result: StoredResult | None,
        *,
        is_retryable: bool = False,
        ran: Ran | None = None,
        worker: str,
        pid: int,
        queues: Sequence[str] = (DEFAULT_QUEUE,),
        wait_s: float = 0.0,
    ) -> tuple[Write, Claim | Full | None]:
        """Do as `finish`, and as `claim_next` in the first of `queues` that has a job, in one.

        Where none has, the process is one that waits, for `wait_s` at most: `submit` may claim a
        job for it, in place of sending the wake-up, which then comes by `take`. It must `rise`.

        The oldest message of that queue goes with it, and those of a queue in which nobody is in
        line; one that is no wake-up stays for `take`. A repeated call gives what the first one
        claimed; one that is fenced claims nothing.
        """

    def claim_more(
        self, lease: Lease, most: int, *, worker: str, pid: int, one_in: int = 1
    ) -> list[Claim]:
        """Claim further jobs whose turn it is, for the process that holds a lease and nothing else.

        Only such as are like that one: the same owner's, in the same queue, of the same task or
        function and with the same options, begun never before, after no other job. They are
        `most` at most, and one in so many of those that the owner has queued there. None while
        some jobs have needs.

        The worker is called once in a while (see `wait_wake`), to see that they do not wait for
        long. A repeated call gives what the first one claimed, though that lease may be over now.
        """

    def hand_back(self, worker: str, leases: Sequence[Lease], cause: str) -> int:
        """Give back what a process has claimed and not begun to run; return how many were valid.

        As `give_back`, and others hear of each job at once, as of one that is submitted. What is
        not valid any more is forgotten, as by `drop`.
        """

    def finisher(self) -> Finisher:
        """Return what finishes attempts without waiting for what becomes of that."""

    def lose(self, lease: Lease, cause: str) -> JobRecord | None:
        """End an attempt without an outcome; None where the lease is not valid any more.

        The job is queued again (`AttemptLost`, due for publishing at once) or, where this was the
        last of `MAX_ATTEMPTS` that may be lost, failed with the cause of each (`JobFailed`).
        """

    def give_back(self, lease: Lease, cause: str, needs: Needs | None = None) -> JobRecord | None:
        """End an attempt because its worker stops; as `lose`, but it counts towards nothing.

        needs: what the worker has found to be needed and has not. From now on the job waits for one
        that fits those, whatever its options say.

        Appends `AttemptReturned`.
        """

    def take(
        self,
        timeout_s: float,
        queues: Sequence[str] = (DEFAULT_QUEUE,),
        *,
        worker: str = "",
        pid: int = 0,
    ) -> Claim | str | None:
        """Wait for what is handed to a process, else for the first queue that has a message.

        Returns a claim, the queue's oldest message, or None where neither comes in time. Whoever
        takes a message and dies before it claims has lost it: a job is due again later. Whoever
        loses a claim on its way has it by `rise`.
        """

    def rise(
        self,
        *,
        worker: str,
        pid: int,
        woken: tuple[str, str] | None = None,
    ) -> Claim | Full | None:
        """Have a process wait no more; return what was handed to it until now, if anything was.

        woken: the queue that a message tells of which it took, and that message. Where nothing was
        handed to the process, do as `claim_next` in that queue; else the message is put back.
        """

    # Workers

    def join(self, worker: WorkerInfo, packages: Mapping[str, str] | None = None) -> None:
        """Announce a worker and its catalogue. Appends `WorkerJoined` to the workers' log.

        packages: what it has installed; kept once under `WorkerInfo.environment`, for as long as
        one of those beats who say so.
        """

    def seek(self, worker: str) -> None:
        """Have a worker that has joined run also jobs whose needs it fits, of kinds that have come
        since it did so last. It is woken where such a job waits."""

    def packages(self, environment: str) -> dict[str, str] | None:
        """Return what workers of an environment have installed; None where none is there."""

    def adverts(self) -> list[Advert]:
        """Return what the workers that are there have."""

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

    def unneeded(self, owner: str, digests: Sequence[str]) -> list[str]:
        """Return the blobs that no job needs.

        Those of a job's function and arguments are needed for twice `RETENTION_S` from its
        submission, those of its result and of what it displays for as long as the job is kept.
        """

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
