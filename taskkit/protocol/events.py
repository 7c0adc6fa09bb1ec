"""What can happen, one frozen class a fact, in the past tense.

Adding one: write the class here and list it, in `SAID` what a job says of itself, which has its row
in `lifecycle` by that; a case there only if it changes a job's record. docs/contributing.md has it
step by step. Readers meet events that they do not know as a bare `Event` and pass them on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .identity import Rerun
from .jobs import Bar, Curve, ErrorInfo, Figure, ResultInfo, Usage
from .options import DEFAULT, JobOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact in an owner's log."""

    type: ClassVar[str] = ""
    seq: int = 0
    #: Place in the log, from 1, without holes. 0 before the ledger has placed it.
    at: int = 0
    #: Milliseconds since the Unix epoch, by the ledger's clock.
    job: str = ""
    #: The job's id; empty for facts about workers.


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSubmitted(Event):
    """The ledger accepted a job."""

    type: ClassVar[str] = "job_submitted"
    task: str
    options: JobOptions = DEFAULT
    after: tuple[str, ...] = ()
    #: Ids of the jobs whose results it is given; it begins when all of them have succeeded.
    rerun: Rerun | None = None
    #: Why it was run though an earlier result was asked for, if one was.


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptStarted(Event):
    """A worker claimed the job."""

    type: ClassVar[str] = "attempt_started"
    attempt: int
    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressReported(Event):
    """The task says how far it is. Coalesced: the latest of each tenth of a second."""

    type: ClassVar[str] = "progress_reported"
    done: float
    total: float | None = None
    message: str = ""
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvesReported(Event):
    """All that the attempt has reported by name, thinned out. Seldomer the longer it runs."""

    type: ClassVar[str] = "curves_reported"
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguresDisplayed(Event):
    """All that the attempt displays. Seldomer the longer it runs."""

    type: ClassVar[str] = "figures_displayed"
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageReported(Event):
    """What the attempt's process takes. Seldomer the longer it runs."""

    type: ClassVar[str] = "usage_reported"
    usage: Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputWritten(Event):
    """The attempt wrote to its standard output or error, or to a logger, in this order."""

    type: ClassVar[str] = "output_written"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptLost(Event):
    """The attempt's process or worker died; the job is queued again."""

    type: ClassVar[str] = "attempt_lost"
    attempt: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptReturned(Event):
    """The attempt's worker was stopped in good order; the job is queued again."""

    type: ClassVar[str] = "attempt_returned"
    attempt: int
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFailed(Event):
    """The task raised, and its options want another try; the job is queued again."""

    type: ClassVar[str] = "attempt_failed"
    attempt: int
    error: ErrorInfo
    retry_at: int
    #: Milliseconds since the Unix epoch, by the ledger's clock; no attempt begins before.


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSucceeded(Event):
    """The task returned. Final."""

    type: ClassVar[str] = "job_succeeded"
    result: ResultInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailed(Event):
    """The task raised, ran out of time, or its attempts were spent. Final."""

    type: ClassVar[str] = "job_failed"
    error: ErrorInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCancelled(Event):
    """Somebody asked for the job's end. Final."""

    type: ClassVar[str] = "job_cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerJoined(Event):
    """A worker is there. In the log `logs.WORKERS`, which every user reads."""

    type: ClassVar[str] = "worker_joined"
    worker: str
    processes: int
    python: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLeft(Event):
    """A worker said goodbye, or was not heard of for too long."""

    type: ClassVar[str] = "worker_left"
    worker: str
    reason: str


SAID = (ProgressReported, CurvesReported, FiguresDisplayed, UsageReported, OutputWritten)
"""What a running attempt appends; none of it moves the job to another state."""

FACT_CHARS = 2000
"""So long may be, as JSON, what no room of its own is kept for: all but output, curves, figures."""

EVENTS: dict[str, type[Event]] = {
    kind.type: kind
    for kind in (
        JobSubmitted,
        AttemptStarted,
        *SAID,
        AttemptLost,
        AttemptReturned,
        AttemptFailed,
        JobSucceeded,
        JobFailed,
        JobCancelled,
        WorkerJoined,
        WorkerLeft,
    )
}
