"""Records as a server lists them, for tests of what a terminal shows."""

from __future__ import annotations

from typing import Any

from taskkit.protocol.jobs import ErrorInfo, JobRecord, JobState, ResultInfo

START = 1_780_000_000_000
"""When the attempts of these records began, ms."""

NOW = START + 65_000


def record(state: JobState = JobState.RUNNING, **fields: Any) -> JobRecord:
    """Return a record of one attempt in `state`, as the reducer would leave it."""
    known: dict[str, Any] = {"id": "3f2a9c1e" * 4, "task": "fit", "created_at": START - 1000}
    if state is not JobState.QUEUED:
        known |= {"attempt": 1, "started_at": START, "worker": "lab-7-a3f0"}
    if state in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED):
        known["finished_at"] = START + 42_000
    if state is JobState.SUCCEEDED:
        known["result"] = ResultInfo(media_type="x", size_bytes=1834, preview="{'score': 0.97}")
    if state is JobState.FAILED:
        known["error"] = ErrorInfo(type="ValueError", message="no convergence")
    return JobRecord(state=state, **(known | fields))
