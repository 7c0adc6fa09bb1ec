"""What a job's finish stored comes back as it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from taskkit.ledger import JobRef, Lease, Ledger, StoredResult, Write
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.jobs import ErrorInfo, ResultInfo
from taskkit.protocol.wire import JSON, PICKLE

Submit = Callable[..., JobRef]
Start = Callable[..., Lease]

SUCCESS = JobSucceeded(result=ResultInfo(media_type=PICKLE, size_bytes=4, preview="…"))
FAILURE = JobFailed(error=ErrorInfo(type="my.Diverged", message="at step 7"))


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00\x80\xff\r\n", bytes(range(256)) * 4096],
    ids=["empty", "not text", "a mebibyte"],
)
@pytest.mark.parametrize("outcome", [SUCCESS, FAILURE], ids=["value", "exception"])
def test_a_result_comes_back_byte_for_byte(
    ledger: Ledger, start: Start, outcome: JobSucceeded | JobFailed, body: bytes
) -> None:
    """An encoded value, or a pickled exception, is returned with its media type."""
    stored = StoredResult(media_type=PICKLE, body=body)
    lease = start()
    assert ledger.finish(lease, outcome, stored) is Write.DONE
    assert ledger.result(lease.ref) == stored


def test_a_job_that_runs_has_no_result(ledger: Ledger, submit: Submit, start: Start) -> None:
    """Neither has one that is queued, or that nobody knows."""
    assert ledger.result(submit()) is None
    assert ledger.result(start().ref) is None
    assert ledger.result(JobRef("ada", "0" * 32)) is None


def test_a_finish_without_a_value_stores_none(ledger: Ledger, start: Start) -> None:
    """A failure whose exception could not be pickled is told by its record alone."""
    lease = start()
    ledger.finish(lease, FAILURE, None)
    assert ledger.result(lease.ref) is None


def test_a_refused_finish_stores_nothing(ledger: Ledger, start: Start) -> None:
    """A result that comes after a cancel is not kept."""
    lease = start()
    ledger.cancel(lease.ref)
    assert ledger.finish(lease, SUCCESS, StoredResult(media_type=JSON, body=b"1")) is Write.FENCED
    assert ledger.result(lease.ref) is None


def test_a_repeated_finish_keeps_the_first_result(ledger: Ledger, start: Start) -> None:
    """The first value stands."""
    lease, first = start(), StoredResult(media_type=JSON, body=b"1")
    ledger.finish(lease, SUCCESS, first)
    assert ledger.finish(lease, SUCCESS, StoredResult(media_type=JSON, body=b"2")) is Write.REPEATED
    assert ledger.result(lease.ref) == first


def test_a_lost_job_has_no_result(ledger: Ledger, submit: Submit, start: Start) -> None:
    """Attempts that died leave nothing to fetch."""
    ref = submit()
    for _ in range(3):
        ledger.lose(start(ref), "killed")
    assert ledger.result(ref) is None


@pytest.mark.parametrize("timings", [{"retention_s": 0.02}], ids=["short retention"])
def test_a_result_is_kept_for_the_retention_only(
    ledger: Ledger, start: Start, advance: Callable[[float], None]
) -> None:
    """It goes with its job."""
    lease = start()
    ledger.finish(lease, SUCCESS, StoredResult(media_type=JSON, body=b"1"))
    advance(0.03)
    ledger.sweep(empty=["default"])
    assert ledger.result(lease.ref) is None
