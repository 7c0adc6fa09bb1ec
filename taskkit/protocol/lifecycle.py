"""How events change a job: one transition table and the only reducer."""

from __future__ import annotations

from dataclasses import replace

from .events import (
    AttemptFailed,
    AttemptLost,
    AttemptReturned,
    AttemptStarted,
    Event,
    JobCancelled,
    JobFailed,
    JobSubmitted,
    JobSucceeded,
    OutputWritten,
    ProgressReported,
)
from .jobs import OUTPUT_TAIL_CHARS, AttemptEnd, JobRecord, JobState, PastAttempt, Progress

Q, R = JobState.QUEUED, JobState.RUNNING

TRANSITIONS: dict[str, dict[JobState, JobState]] = {
    AttemptStarted.type: {Q: R},
    ProgressReported.type: {R: R},
    OutputWritten.type: {R: R},
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
    record = replace(record, seq=event.seq, state=row[record.state])
    match event:
        case AttemptStarted():
            return replace(
                record,
                attempt=event.attempt,
                worker=event.worker,
                started_at=event.at,
                progress=None,
                output="",
                output_dropped_chars=0,
                retry_at=None,
            )
        case ProgressReported():
            progress = Progress(done=event.done, total=event.total, message=event.message)
            return replace(record, progress=progress)
        case OutputWritten():
            return _with_output(record, event.text)
        case AttemptLost():
            return _without(record, event, AttemptEnd.LOST, event.cause)
        case AttemptReturned():
            return _without(record, event, AttemptEnd.RETURNED, event.cause)
        case AttemptFailed():
            record = _without(record, event, AttemptEnd.FAILED, event.error.summary)
            return replace(record, retry_at=event.retry_at)
        case JobSucceeded() | JobFailed() | JobCancelled():
            return _with_outcome(record, event)
    return record


def _with_outcome(record: JobRecord, event: JobSucceeded | JobFailed | JobCancelled) -> JobRecord:
    record = replace(record, finished_at=event.at, retry_at=None)
    match event:
        case JobSucceeded():
            return replace(record, result=event.result)
        case JobFailed():
            return replace(record, error=event.error)
    return record


def _without(
    record: JobRecord,
    event: AttemptLost | AttemptReturned | AttemptFailed,
    end: AttemptEnd,
    cause: str,
) -> JobRecord:
    past = PastAttempt(attempt=event.attempt, end=end, cause=cause, at=event.at)
    return replace(record, started_at=None, past_attempts=(*record.past_attempts, past))


def _with_output(record: JobRecord, text: str) -> JobRecord:
    whole = record.output + text
    drop = max(0, len(whole) - OUTPUT_TAIL_CHARS)
    return replace(
        record,
        output=whole[drop:],
        output_dropped_chars=record.output_dropped_chars + drop,
    )
