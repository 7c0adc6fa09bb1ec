"""What is large of jobs is needed for as long as they may read it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from taskkit.ledger import JobRef, Lease, Ledger, StoredResult
from taskkit.protocol.events import FiguresDisplayed, JobSucceeded
from taskkit.protocol.jobs import Figure, ResultInfo

Submit = Callable[..., JobRef]
Start = Callable[..., Lease]
Advance = Callable[[float], None]

SUCCEEDED = JobSucceeded(result=ResultInfo(media_type="x", size_bytes=1))
A, B, C = (letter * 64 for letter in "abc")


@pytest.mark.parametrize("timings", [{"retention_s": 0.4}], ids=["retention of 0.4 s"])
def test_blobs_are_needed_as_long_as_their_jobs(
    ledger: Ledger, submit: Submit, start: Start, advance: Advance
) -> None:
    """Those of a submission for twice the retention, also of the newest one that has it; those of
    a result for as long as that is kept; nobody else's."""
    ref = submit(blobs=(A,))
    assert ledger.unneeded("ada", [A, B, C]) == [B, C]
    assert ledger.unneeded("bob", [A]) == [A]
    result = StoredResult(media_type="x", body=b"", blobs=(B,))
    ledger.finish(start(ref), SUCCEEDED, result)
    assert ledger.unneeded("ada", [A, B, C]) == [C]
    advance(0.5)
    submit(blobs=(B, C))
    assert ledger.unneeded("ada", [A, B, C]) == []
    advance(0.4)
    assert ledger.unneeded("ada", [A, B, C]) == [A]
    assert ledger.unneeded("ada", []) == []


@pytest.mark.parametrize("timings", [{"retention_s": 0.4}], ids=["retention of 0.4 s"])
def test_figures_are_needed_as_long_as_their_job(
    ledger: Ledger, start: Start, advance: Advance
) -> None:
    """What a job has displayed stays until the job itself goes, however long it went on running."""
    lease = start()
    ledger.append(lease, 1, [displayed(A, B)])
    ledger.append(lease, 2, [displayed(A, None)])
    assert ledger.unneeded("ada", [A, B]) == []
    advance(0.7)
    ledger.finish(lease, SUCCEEDED, None)
    advance(0.3)
    assert ledger.unneeded("ada", [A, B]) == [B]
    assert ledger.job(lease.ref) is not None
    advance(0.3)
    assert ledger.unneeded("ada", [A, B]) == [A, B]
    assert ledger.job(lease.ref) is None


def displayed(*digests: str | None) -> FiguresDisplayed:
    """Return the event of pictures with these digests."""
    figures = (
        Figure(name=str(number), media_type="image/png", size_bytes=9, digest=digest)
        for number, digest in enumerate(digests)
    )
    return FiguresDisplayed(figures=tuple(figures))
