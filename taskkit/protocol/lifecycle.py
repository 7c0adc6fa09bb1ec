"""How events change a job: one transition table and the only reducer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .events import (
    SAID,
    AttemptFailed,
    AttemptLost,
    AttemptReturned,
    AttemptStarted,
    CurvesReported,
    Event,
    FiguresDisplayed,
    JobCancelled,
    JobFailed,
    JobSubmitted,
    JobSucceeded,
    OutputWritten,
    ProgressReported,
    UsageReported,
)
from .jobs import OUTPUT_TAIL_CHARS, AttemptEnd, JobRecord, JobState, PastAttempt, Progress

Q, R = JobState.QUEUED, JobState.RUNNING

TRANSITIONS: dict[str, dict[JobState, JobState]] = {
    AttemptStarted.type: {Q: R},
    **{kind.type: {R: R} for kind in SAID},
    AttemptLost.type: {R: Q},
    AttemptReturned.type: {R: Q},
    AttemptFailed.type: {R: Q},
    JobSucceeded.type: {R: JobState.SUCCEEDED},
    JobFailed.type: {R: JobState.FAILED, Q: JobState.FAILED},
    JobCancelled.type: {Q: JobState.CANCELLED, R: JobState.CANCELLED},
}
"""Event type -> {state before: state after}. What is not listed is refused by every ledger."""


def submitted(event: JobSubmitted) -> JobRecord:
    """Return the record that a job begins with."""
    return JobRecord(
        id=event.job,
        task=event.task,
        options=event.options,
        after=event.after,
        seq=event.seq,
        created_at=event.at,
        rerun=event.rerun,
    )


def apply(record: JobRecord, event: Event) -> JobRecord:
    """Return `record` with `event` folded in.

    An event that is already folded in (its seq is not above the record's) changes nothing, so a
    reader may fold a snapshot and an overlapping stretch of the log without counting.

    Raises:
        ValueError: The event may not follow the record's state: no ledger writes such a log.
    """
    if event.seq <= record.seq:
        return record
    row = TRANSITIONS.get(event.type)
    if row is None:
        return replace(record, seq=event.seq)
    if record.state not in row:
        raise ValueError(f"{event.type} cannot follow {record.state} (job {record.id})")
    return replace(record, seq=event.seq, state=row[record.state], **_changes(record, event))


def _changes(record: JobRecord, event: Event) -> dict[str, Any]:
    """Return what an event changes beside the state. All at once: a copy for each costs as much."""
    match event:
        case AttemptStarted():
            return {
                "attempt": event.attempt,
                "worker": event.worker,
                "started_at": event.at,
                "progress": None,
                "curves": (),
                "figures": (),
                "usage": None,
                "output": "",
                "output_dropped_chars": 0,
                "retry_at": None,
                "waits_for": "",
            }
        case ProgressReported():
            done, total, message, bars = event.done, event.total, event.message, event.bars
            return {"progress": Progress(done=done, total=total, message=message, bars=bars)}
        case CurvesReported():
            return {"curves": event.curves}
        case FiguresDisplayed():
            return {"figures": event.figures}
        case UsageReported():
            return {"usage": event.usage}
        case OutputWritten():
            return _with_output(record, event.text)
        case AttemptLost() | AttemptReturned():
            is_lost = isinstance(event, AttemptLost)
            end = AttemptEnd.LOST if is_lost else AttemptEnd.RETURNED
            return _without(record, event, end, event.cause)
        case AttemptFailed():
            ended = _without(record, event, AttemptEnd.FAILED, event.error.summary)
            return {**ended, "retry_at": event.retry_at}
        case JobSucceeded():
            return {"finished_at": event.at, "retry_at": None, "result": event.result}
        case JobFailed():
            return {**_over(event), "error": event.error}
        case JobCancelled():
            return _over(event)
    return {}


def _over(event: Event) -> dict[str, Any]:
    return {"finished_at": event.at, "retry_at": None, "waits_for": ""}


def _without(
    record: JobRecord,
    event: AttemptLost | AttemptReturned | AttemptFailed,
    end: AttemptEnd,
    cause: str,
) -> dict[str, Any]:
    past = PastAttempt(attempt=event.attempt, end=end, cause=cause, at=event.at)
    return {"started_at": None, "past_attempts": (*record.past_attempts, past)}


def _with_output(record: JobRecord, text: str) -> dict[str, Any]:
    whole = record.output + text
    drop = max(0, len(whole) - OUTPUT_TAIL_CHARS)
    return {
        "output": whole[drop:],
        "output_dropped_chars": record.output_dropped_chars + drop,
    }
