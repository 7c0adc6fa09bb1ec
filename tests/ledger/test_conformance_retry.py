"""What was submitted can be submitted again until the job has succeeded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from taskkit.ledger import JobRef, Lease, Ledger
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.jobs import ErrorInfo, JobState, ResultInfo
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.wire import JSON

FAILURE = JobFailed(error=ErrorInfo(type="ValueError", message="no"))
SUCCESS = JobSucceeded(result=ResultInfo(media_type=JSON, size_bytes=1))
FUNCTION = "f" * 64
SPECS = {
    "named": JobSpec(task="demo", arguments='{"name": "é"}', options=JobOptions(name="mine")),
    "shipped": JobSpec(
        task="fit",
        function=FUNCTION,
        payload=b"\x80\x00\xff",
        python="3.12",
        blobs=("a" * 64, "b" * 64),
        options=JobOptions(retries=2, timeout_s=1.5),
    ),
}

End = Callable[[Ledger, Lease], object]


def submit(ledger: Ledger, key: str, spec: JobSpec) -> JobRef:
    """Accept one job of ada's."""
    ledger.put_function("ada", FUNCTION, b"pickled")
    return JobRef("ada", ledger.submit("ada", [(key, spec)])[0].record.id)


def claim(ledger: Ledger, ref: JobRef) -> Lease:
    """Begin an attempt."""
    claimed = ledger.claim(ref, worker="w", pid=1)
    assert claimed is not None
    return claimed.lease


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize(
    "end",
    [
        lambda ledger, lease: None,
        lambda ledger, lease: ledger.finish(lease, FAILURE, None),
        lambda ledger, lease: ledger.cancel(lease.ref),
    ],
    ids=["running", "failed", "cancelled"],
)
def test_a_job_that_has_not_succeeded_keeps_its_spec(ledger: Ledger, name: str, end: End) -> None:
    """Whole: as it was submitted."""
    ref = submit(ledger, "k", SPECS[name])
    assert ledger.spec(ref) == SPECS[name]
    end(ledger, claim(ledger, ref))
    assert ledger.spec(ref) == SPECS[name]


@pytest.mark.parametrize("name", SPECS)
def test_a_job_that_has_succeeded_lets_its_arguments_go(ledger: Ledger, name: str) -> None:
    """They may be large, and nobody needs them."""
    ref = submit(ledger, "k", SPECS[name])
    ledger.finish(claim(ledger, ref), SUCCESS, None)
    assert ledger.spec(ref) is None


def test_a_job_that_is_not_here_has_none(ledger: Ledger) -> None:
    """Nor has another owner's."""
    ref = submit(ledger, "k", SPECS["named"])
    assert ledger.spec(JobRef("ada", "0" * 32)) is None
    assert ledger.spec(JobRef("bob", ref.id)) is None


def test_a_spec_that_is_submitted_again_makes_another_job(ledger: Ledger) -> None:
    """Which runs what the first one should have run; under the same key it is that one again."""
    ref = submit(ledger, "k", SPECS["shipped"])
    ledger.finish(claim(ledger, ref), FAILURE, None)
    spec = ledger.spec(ref)
    assert spec is not None
    [made] = ledger.submit("ada", [("again", spec)])
    [repeated] = ledger.submit("ada", [("again", spec)])
    assert made.record.id == repeated.record.id != ref.id
    assert made.record.state is JobState.QUEUED
    claimed = ledger.claim(JobRef("ada", made.record.id), worker="w", pid=1)
    assert claimed is not None
    assert (claimed.spec.payload, claimed.spec.function) == (spec.payload, spec.function)
    assert claimed.spec.options == spec.options


def test_the_jobs_it_waits_for_are_told_by_their_ids(ledger: Ledger) -> None:
    """Whatever they were called when it was submitted."""
    before = submit(ledger, "first", SPECS["named"])
    after = submit(ledger, "second", JobSpec(task="sum", after=("key:first",)))
    spec = ledger.spec(after)
    assert spec is not None
    assert spec.after == (before.id,)
