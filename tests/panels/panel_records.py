"""Records in the states that panels must show."""

from __future__ import annotations

from typing import Any

from taskkit.protocol.jobs import (
    AttemptEnd,
    ErrorInfo,
    JobRecord,
    JobState,
    PastAttempt,
    Progress,
    ResultInfo,
)

START = 1_780_000_000_000
"""When the attempts of these records began, ms."""

EVIL = "<script>alert('x')</script>&\"quoted\""


def record(state: JobState = JobState.RUNNING, **fields: Any) -> JobRecord:
    """Return a record of one attempt in `state`, as the reducer would leave it."""
    known: dict[str, Any] = {"id": "ab" * 16, "task": "fit", "created_at": START - 1000}
    if state is not JobState.QUEUED:
        known |= {"attempt": 1, "started_at": START, "worker": "host-7-a3f0"}
    if state in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED):
        known["finished_at"] = START + 42_000
    if state is JobState.SUCCEEDED:
        known["result"] = ResultInfo(media_type="x", size_bytes=1834, preview="{'score': 0.97}")
    if state is JobState.FAILED:
        known["error"] = ErrorInfo(
            type="ValueError", message="no convergence", traceback="Traceback\n  line 7\n"
        )
    return JobRecord(state=state, **(known | fields))


def progress(done: float, total: float | None = 500, message: str = "") -> Progress:
    """Return a report of progress."""
    return Progress(done=done, total=total, message=message)


def lost(cause: str = "killed by signal 9") -> PastAttempt:
    """Return the death of attempt 1."""
    return PastAttempt(attempt=1, end=AttemptEnd.LOST, cause=cause, at=START)
