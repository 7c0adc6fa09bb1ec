"""What a ledger itself finds wrong, in words; and how long until the next try."""

from __future__ import annotations

from collections.abc import Sequence

from ..protocol.errors import InvalidRequest, JobNotFound, KeyReused, QuotaReached
from ..protocol.jobs import AttemptEnd, ErrorInfo, JobRecord, PastAttempt
from ..protocol.options import LONGEST_RETRY_S, TIMED_OUT

NEEDED = "taskkit.DependencyFailed"
"""What an error's `type` says of a job that was to be given another's result."""

LOST = "taskkit.JobLost"
"""What an error's `type` says of a job whose attempts died."""


def causes_of_death(past: Sequence[PastAttempt]) -> ErrorInfo:
    """Return why a job is given up whose attempts were lost too often."""
    lost = [attempt for attempt in past if attempt.end is AttemptEnd.LOST]
    causes = "; ".join(f"attempt {one.attempt}: {one.cause}" for one in lost)
    return ErrorInfo(type=LOST, message=f"every attempt died without an outcome ({causes})")


def needed(record: JobRecord) -> ErrorInfo:
    """Return why a job failed that was to be given the result of this one."""
    error = record.error
    if error is not None and error.type == NEEDED:
        return error  # of a chain, what went wrong first
    how = "was cancelled" if error is None else f"failed: {error.summary}"
    return ErrorInfo(type=NEEDED, message=f"it needed job {record.id} ({record.task}), which {how}")


def timed_out(timeout_s: float) -> ErrorInfo:
    """Return why a job failed that ran for too long and did not stop by itself."""
    message = f"it ran longer than its timeout of {timeout_s:g} s and was ended from outside"
    return ErrorInfo(type=TIMED_OUT, message=message)


def retry_wait_s(failures: int, first_s: float) -> float:
    """Return how long a job waits for its next attempt that has failed `failures` times before."""
    return float(min(LONGEST_RETRY_S, first_s * 2 ** min(failures, 30)))


def unknown(reference: str) -> JobNotFound:
    """Return the refusal of a request that is to be after a job which is not here."""
    return JobNotFound(f"the job {reference!r} whose result it needs is not here", job=reference)


def full(most: int, queued: int) -> QuotaReached:
    """Return the refusal of requests that would make more jobs wait than one user may have."""
    return QuotaReached(
        f"you have {queued:,} jobs in the queue, and may have {most:,}: more are taken when some "
        "of these have begun",
        room=max(0, most - queued),
    )


def reused(key: str) -> KeyReused:
    """Return the refusal of a request whose key belongs to another."""
    return KeyReused(
        f"the key {key!r} belongs to another request: its task or arguments changed; "
        "use another key",
        key=key,
    )


def no_place() -> InvalidRequest:
    """Return the refusal of a place in a list that no ledger wrote."""
    return InvalidRequest("the cursor is none that a list of jobs ended with; begin without one")
