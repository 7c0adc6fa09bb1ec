"""What a job is, as every part of taskkit sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .identity import Rerun
from .options import DEFAULT, JobOptions


class JobState(StrEnum):
    """Where a job stands. `lifecycle.TRANSITIONS` says what moves it."""

    QUEUED = "queued"
    #: Accepted and durable; waits for a worker, also after an attempt was lost.
    RUNNING = "running"
    #: A worker holds a lease on it.
    SUCCEEDED = "succeeded"
    #: Final: the task returned, its result is stored.
    FAILED = "failed"
    #: Final: the task raised, or its attempts were spent.
    CANCELLED = "cancelled"
    #: Final: somebody asked for it. What an attempt still does has no effect on the job.


FINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
ACTIVE = frozenset(JobState) - FINAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A loop within a running task, as it says how far that is."""

    name: str
    done: float
    total: float | None = None
    #: None where nobody knows.


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a running task says it is."""

    done: float
    #: Units finished, >= 0.
    total: float | None = None
    #: Units in all; None where nobody knows.
    message: str = ""
    #: What it is doing now, in the task's own words.
    bars: tuple[Bar, ...] = ()
    #: The loops within, the outermost first.

    @property
    def fraction(self) -> float | None:
        """`done / total` within 0..1, or None for an unknown total."""
        return fraction(self.done, self.total)


def fraction(done: float, total: float | None) -> float | None:
    """Return `done / total` within 0..1, or None for an unknown total."""
    return min(1.0, max(0.0, done / total)) if total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What a task reported under one name, thinned out evenly where there is much of it."""

    name: str
    x: tuple[float, ...]
    #: The steps, in the order in which they were reported.
    y: tuple[float | None, ...]
    #: The values at those; None for one that is not finite. The last is the last reported.


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What a task has displayed: a picture, a table, a formula."""

    name: str
    #: What the task calls it; else its number among those that have no name.
    media_type: str
    #: As in a mime bundle of Jupyter's, such as ``image/png`` or ``text/html``.
    size_bytes: int
    digest: str | None = None
    #: Of the blob that it is; None where it is `inline`, or was not kept.
    inline: str | None = None
    #: Itself in base64 where it is small.
    text: str = ""
    #: What it is in words: for those who do not see it.


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What an attempt's process and its children take of their machine."""

    memory_bytes: int
    #: Resident, shared pages counted in each process.
    peak_bytes: int
    #: The most that was seen in this attempt.
    cores: float
    #: CPU time a second of wall time, since it was looked last.


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInfo:
    """Why a job failed, readable without unpickling anything."""

    type: str
    #: Qualified name of the exception's class, e.g. ``ValueError`` or ``my_module.Diverged``.
    message: str
    traceback: str = ""
    #: The worker's traceback as text; empty where the process died without one.

    @property
    def summary(self) -> str:
        """The exception in one line, as a traceback ends: ``ValueError: no``."""
        first = self.message.strip().partition("\n")[0]
        return f"{self.type}: {first}" if first else self.type


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The beginning of a result that is a table, as text."""

    columns: tuple[str, ...]
    #: The first is the index, mostly without a name.
    rows: tuple[tuple[str, ...], ...]
    all_columns: int
    #: How many there are, without the index.
    all_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultInfo:
    """What is known of a result before it is fetched."""

    media_type: str
    #: `wire.JSON` or `wire.PICKLE`.
    size_bytes: int
    preview: str = ""
    #: A shortened ``repr`` of the value.
    inline: str | None = None
    #: The encoded value in base64 where it is small enough to travel in the event.
    table: Table | None = None


class AttemptEnd(StrEnum):
    """How an attempt ended that did not decide the job."""

    LOST = "lost"
    #: Its process or worker died. `MAX_ATTEMPTS` of them, and the job is given up.
    FAILED = "failed"
    #: The task raised, and the job's options want another try.
    RETURNED = "returned"
    #: Its worker was stopped in good order. Counts towards nothing.


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAttempt:
    """An attempt that ended without deciding the job."""

    attempt: int
    end: AttemptEnd
    cause: str
    #: One sentence: the exception, or exit code, signal, out of memory, lease expired.
    at: int
    #: Milliseconds since the Unix epoch, by the ledger's clock.


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One submission of a task, as of event `seq` of its owner's log."""

    id: str
    #: 128 random bits as 32 hexadecimal digits. Never changes.
    task: str
    #: The task's name, or the shipped function's qualified name. Never changes.
    state: JobState = JobState.QUEUED
    #: Changes by events only; see `lifecycle`.
    seq: int = 0
    #: The last event that is folded in; grows.
    created_at: int = 0
    #: When the ledger accepted it, ms since the Unix epoch. Never changes.
    started_at: int | None = None
    #: When its current attempt began, ms; reset when an attempt is lost.
    finished_at: int | None = None
    #: When it became final, ms; set once.
    attempt: int = 0
    #: How many attempts have begun; also the token of the current one. Only grows.
    worker: str | None = None
    #: Who holds, or last held, the lease.
    progress: Progress | None = None
    #: The latest report of the current attempt; None again when a new one begins.
    curves: tuple[Curve, ...] = ()
    #: What the current attempt reported by name; none again when a new one begins.
    figures: tuple[Figure, ...] = ()
    #: What the current attempt has displayed and not replaced; none again when a new one begins.
    usage: Usage | None = None
    #: The last that was seen of the current attempt; None again when a new one begins.
    output: str = ""
    #: The end of what the current attempt printed, at most `OUTPUT_TAIL_CHARS`.
    output_dropped_chars: int = 0
    #: How much before that tail is no longer here.
    error: ErrorInfo | None = None
    #: Set when it fails.
    result: ResultInfo | None = None
    #: Set when it succeeds.
    past_attempts: tuple[PastAttempt, ...] = field(default=())
    #: Grows by one with each attempt that ended without deciding the job.
    retry_at: int | None = None
    #: When it may be claimed again after it failed, ms; None again when it is.
    options: JobOptions = DEFAULT
    #: Never changes.
    after: tuple[str, ...] = ()
    #: Ids of the jobs whose results it is given; it waits for them. Never changes.
    waits_for: str = ""
    #: What it needs that no worker has which is there, in words; the server says it of a queued job
    #: whenever it is asked, and no ledger keeps it. Empty again when it begins.

    rerun: Rerun | None = None
    #: Why it was run though an earlier result was asked for, if one was. Never changes.
    is_recalled: bool = False
    #: Whether it answers a submission that asked for an earlier result: the server says it then,
    #: and no ledger keeps it.

    @property
    def is_final(self) -> bool:
        """Whether nothing can change it any more."""
        return self.state in FINAL

    @property
    def title(self) -> str:
        """What a reader calls it."""
        return self.options.name or self.task


OUTPUT_TAIL_CHARS = 65_536
"""How much of a job's output a record keeps, in characters."""
