"""Jobs that are given the results of others: they wait for them, and share their fate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskkit.ledger import JobRef, Lease, Ledger
from taskkit.protocol.errors import JobNotFound
from taskkit.protocol.events import Event, JobFailed, JobSubmitted, JobSucceeded
from taskkit.protocol.jobs import ErrorInfo, JobState, ResultInfo
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import MAX_ATTEMPTS, JobSpec

Submit = Callable[..., JobRef]
Start = Callable[..., Lease]

SUCCEEDED = JobSucceeded(result=ResultInfo(media_type="application/json", size_bytes=1))
FAILED = JobFailed(error=ErrorInfo(type="ValueError", message="\n no: 1\nand more"))


def state(ledger: Ledger, ref: JobRef) -> JobState:
    """Return a job's state."""
    record = ledger.job(ref)
    assert record is not None
    return record.state


def finish(ledger: Ledger, lease: Lease, outcome: Any = SUCCEEDED) -> None:
    """End an attempt."""
    ledger.finish(lease, outcome, None)


def why(ledger: Ledger, ref: JobRef) -> str:
    """Return why a job failed for another one."""
    record = ledger.job(ref)
    assert record is not None
    assert record.error is not None
    assert record.error.type == "taskkit.DependencyFailed"
    return record.error.message


def test_a_job_waits_for_all_that_it_is_after(
    ledger: Ledger, submit: Submit, start: Start, events: Callable[[], list[Event]]
) -> None:
    """It is not to be had before, nor due; its claim says which they are, in their order."""
    first, second = submit("a"), submit("b")
    ref = submit(after=("key:b", first.id, second.id))
    record = ledger.job(ref)
    assert record is not None
    assert record.after == (second.id, first.id, second.id)
    submitted = events()[-1]
    assert isinstance(submitted, JobSubmitted)
    assert submitted.after == record.after
    finish(ledger, start(first))
    assert ledger.claim(ref, worker="w1", pid=7) is None
    assert [due.ref for due in ledger.sweep(empty=["default"])] == [second]
    finish(ledger, start(second))
    assert [due.ref for due in ledger.sweep()] == [ref]
    claim = ledger.claim(ref, worker="w1", pid=7)
    assert claim is not None
    assert claim.spec.after == record.after


def test_the_wake_up_is_sent_when_the_last_one_has_ended(
    ledger: Ledger, start: Start, waiting: Callable[[], list[str]]
) -> None:
    """In the same step; not before."""
    specs = [("a", JobSpec(task="demo")), ("b", JobSpec(task="demo", after=("key:a",)))]
    first, _ = ledger.submit("ada", specs, message=lambda queue: queue)
    assert waiting() == ["default"]
    finish(ledger, start(JobRef("ada", first.record.id)))
    assert waiting() == ["default", "default"]
    assert ledger.sweep() == []


def test_a_job_after_one_that_has_succeeded_begins_at_once(
    ledger: Ledger, submit: Submit, start: Start
) -> None:
    """There is nothing to wait for."""
    first = submit("a")
    finish(ledger, start(first))
    start(submit(after=(first.id,)))


@pytest.mark.parametrize("is_before", [True, False])
def test_a_failure_is_shared(ledger: Ledger, submit: Submit, start: Start, is_before: bool) -> None:
    """Down a whole chain, which names what went wrong first; before the submission or after it."""
    first = submit("a")
    if is_before:
        finish(ledger, start(first), FAILED)
    second = submit("b", after=("key:a",))
    third = submit("c", after=("key:b", "key:a"))
    if not is_before:
        finish(ledger, start(first), FAILED)
    expected = f"it needed job {first.id} (demo), which failed: ValueError: no: 1"
    assert [why(ledger, ref) for ref in (second, third)] == [expected] * 2
    assert ledger.sweep(empty=["default"]) == []


def test_a_job_that_is_tried_again_is_waited_for(
    ledger: Ledger, submit: Submit, start: Start
) -> None:
    """Only its last failure counts."""
    first = submit("a", options=JobOptions(retries=1))
    second = submit(after=("key:a",))
    ledger.finish(start(first), FAILED, None, is_retryable=True)
    assert state(ledger, second) is JobState.QUEUED


def test_a_job_that_is_given_up_is_a_failure(ledger: Ledger, submit: Submit, start: Start) -> None:
    """Its attempts died."""
    first = submit("a")
    second = submit(after=("key:a",))
    for _ in range(MAX_ATTEMPTS):
        ledger.lose(start(first), "killed")
    assert "taskkit.JobLost" in why(ledger, second)


@pytest.mark.parametrize("dependents", [True, False])
def test_cancelling_goes_down_where_that_is_asked(
    ledger: Ledger, submit: Submit, dependents: bool
) -> None:
    """Else those that wait fail, and say why."""
    first = submit("a")
    second, third = submit("b", after=("key:a",)), submit("c", after=("key:b",))
    ledger.cancel(first, dependents=dependents)
    if dependents:
        assert {state(ledger, ref) for ref in (second, third)} == {JobState.CANCELLED}
    else:
        expected = f"it needed job {first.id} (demo), which was cancelled"
        assert [why(ledger, ref) for ref in (second, third)] == [expected] * 2


def test_a_waiting_job_can_be_cancelled(ledger: Ledger, submit: Submit, start: Start) -> None:
    """What it waits for is not touched, and it stays as it is when that ends."""
    first = submit("a")
    second = submit(after=("key:a",))
    ledger.cancel(second)
    finish(ledger, start(first))
    assert state(ledger, second) is JobState.CANCELLED
    assert ledger.sweep(empty=["default"]) == []


@pytest.mark.parametrize("reference", ["0" * 32, "key:nobody", "key:itself"])
def test_a_job_after_one_that_is_not_here_is_refused(
    ledger: Ledger, submit: Submit, events: Callable[[], list[Event]], reference: str
) -> None:
    """With all that came with it."""
    specs = [
        ("a", JobSpec(task="demo")),
        ("itself", JobSpec(task="demo", after=(reference,))),
        ("nobody", JobSpec(task="demo")),
    ]
    with pytest.raises(JobNotFound) as refused:
        ledger.submit("ada", specs)
    assert refused.value.details == {"job": reference}
    assert events() == []


def test_another_s_job_is_not_here(ledger: Ledger, submit: Submit) -> None:
    """Whatever its id."""
    other = submit(owner="bob")
    with pytest.raises(JobNotFound):
        submit(after=(other.id,))


def test_a_long_chain_ends_at_once(ledger: Ledger, submit: Submit, start: Start) -> None:
    """Longer than any recursion may be deep."""
    specs = [("0", JobSpec(task="demo"))]
    specs += [(f"{n}", JobSpec(task="demo", after=(f"key:{n - 1}",))) for n in range(1, 3000)]
    made = ledger.submit("ada", specs)
    finish(ledger, start(JobRef("ada", made[0].record.id)), FAILED)
    assert state(ledger, JobRef("ada", made[-1].record.id)) is JobState.FAILED
