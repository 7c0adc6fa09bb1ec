"""An attempt is begun by one, writes under its token, and ends once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from taskkit.ledger import Claim, JobRef, Lease, Ledger, Write
from taskkit.protocol.events import (
    AttemptLost,
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
from taskkit.protocol.jobs import (
    FINAL,
    OUTPUT_TAIL_CHARS,
    Bar,
    Curve,
    ErrorInfo,
    Figure,
    JobRecord,
    JobState,
    Progress,
    ResultInfo,
    Usage,
)
from taskkit.protocol.spec import MAX_ATTEMPTS, JobSpec
from taskkit.protocol.wire import JSON

Submit = Callable[..., JobRef]
Start = Callable[..., Lease]
Events = Callable[..., list[Event]]

SUCCESS = JobSucceeded(
    result=ResultInfo(media_type=JSON, size_bytes=2, preview="42", inline="NDI=")
)
FAILURE = JobFailed(error=ErrorInfo(type="ValueError", message="no", traceback="Traceback …"))
HALF = ProgressReported(done=1, total=2, message="half")
LINE = OutputWritten(text="a line\n")


def record_of(ledger: Ledger, lease: Lease) -> JobRecord:
    """Return the record of the lease's job, which is there."""
    record = ledger.job(lease.ref)
    assert record is not None
    return record


def kinds(events: list[Event]) -> list[type[Event]]:
    """Return the classes of events in their order."""
    return [type(event) for event in events]


def test_a_claim_begins_the_first_attempt(ledger: Ledger, submit: Submit, events: Events) -> None:
    """The job runs under token 1 at the worker that claimed it."""
    ref = submit()
    claim = ledger.claim(ref, worker="w1", pid=7)
    assert claim is not None
    assert claim.lease == Lease(ref, 1)
    record = record_of(ledger, claim.lease)
    assert (record.state, record.attempt, record.worker) == (JobState.RUNNING, 1, "w1")
    assert record.started_at is not None
    started = events("ada")[-1]
    assert isinstance(started, AttemptStarted)
    assert (started.attempt, started.worker, started.job) == (1, "w1", ref.id)


@pytest.mark.parametrize(
    "spec",
    [
        JobSpec(task="ising", arguments='{"size": 64, "where": "Zürich"}'),
        JobSpec(task="f", function="e" * 64, payload=b"\x80\x00\xff" * 9, python="3.12"),
    ],
    ids=["named", "shipped"],
)
def test_a_claim_says_what_to_run(ledger: Ledger, spec: JobSpec) -> None:
    """The worker gets the spec that was submitted, byte for byte."""
    ledger.put_function("ada", "e" * 64, b"pickled")
    [submission] = ledger.submit("ada", [("k", spec)])
    claim = ledger.claim(JobRef("ada", submission.record.id), worker="w1", pid=7)
    assert claim is not None
    assert claim.spec == spec


def test_claim_refuses_a_second_worker(ledger: Ledger, submit: Submit, start: Start) -> None:
    """While an attempt runs, nobody else gets the job: another worker nor another process."""
    lease = start()
    assert ledger.claim(lease.ref, worker="w2", pid=7) is None
    assert ledger.claim(lease.ref, worker="w1", pid=8) is None
    assert record_of(ledger, lease).attempt == 1


def test_the_holder_gets_its_lease_again(ledger: Ledger, start: Start, events: Events) -> None:
    """A process that repeats its claim has lost the reply: the same lease, and no event."""
    lease = start(worker="w1", pid=7)
    again = ledger.claim(lease.ref, worker="w1", pid=7)
    assert again == Claim(lease=lease, spec=JobSpec(task="demo"))
    assert kinds(events("ada")) == [JobSubmitted, AttemptStarted]


def test_one_of_many_claims_wins(ledger: Ledger, submit: Submit, events: Events) -> None:
    """Sixteen processes that claim a job at the same time: one gets it."""
    ref, together = submit(), Barrier(16)

    def claim_with_the_others(pid: int) -> Claim | None:
        together.wait(timeout=20)
        return ledger.claim(ref, worker=f"w{pid % 4}", pid=pid)

    with ThreadPoolExecutor(16) as pool:
        claims = list(pool.map(claim_with_the_others, range(16)))
    assert [claim.lease for claim in claims if claim] == [Lease(ref, 1)]
    assert kinds(events("ada")) == [JobSubmitted, AttemptStarted]


@pytest.mark.parametrize("outcome", [SUCCESS, FAILURE])
def test_a_final_job_is_not_claimed(
    ledger: Ledger, start: Start, outcome: JobSucceeded | JobFailed
) -> None:
    """A wake-up that comes twice finds the job done, also in the process that did it."""
    lease = start(worker="w1", pid=7)
    ledger.finish(lease, outcome, None)
    assert ledger.claim(lease.ref, worker="w1", pid=7) is None


def test_an_unknown_job_is_not_claimed(ledger: Ledger) -> None:
    """A wake-up for a job that is not here is dropped."""
    assert ledger.claim(JobRef("ada", "0" * 32), worker="w1", pid=7) is None


def test_progress_and_output_change_the_record(
    ledger: Ledger, start: Start, events: Events
) -> None:
    """What an attempt appends is in its record and, in order, in the log."""
    lease = start()
    assert ledger.append(lease, 1, [LINE, HALF, LINE]) is Write.DONE
    record = record_of(ledger, lease)
    assert record.progress == Progress(done=1, total=2, message="half")
    assert record.output == "a line\na line\n"
    assert record.output_dropped_chars == 0
    written = events("ada")[2:]
    assert kinds(written) == [OutputWritten, ProgressReported, OutputWritten]
    assert {event.job for event in written} == {lease.ref.id}
    assert record.seq == written[-1].seq


def test_what_an_attempt_said_goes_with_it(ledger: Ledger, start: Start) -> None:
    """All that was said is in the record, the last of each; another attempt has none yet."""
    lease = start()
    curves = Curve(name="loss", x=(1, 2), y=(0.5, None)), Curve(name="λ", x=(0.5,), y=(-1e-9,))
    usages = [Usage(memory_bytes=n, peak_bytes=9, cores=0.25) for n in (1, 2)]
    bars = (Bar(name="fold", done=1), Bar(name="epoch", done=2, total=3))
    ledger.append(lease, 1, [CurvesReported(curves=curves[:1]), UsageReported(usage=usages[0])])
    ledger.append(lease, 2, [UsageReported(usage=usages[1]), CurvesReported(curves=curves)])
    ledger.append(lease, 3, [ProgressReported(done=1, bars=bars)])
    figures = tuple(
        Figure(name=name, media_type="image/png", size_bytes=3, digest=name, text="é")
        for name in ("a", "b")
    )
    ledger.append(lease, 4, [FiguresDisplayed(figures=figures[:1])])
    ledger.append(lease, 5, [FiguresDisplayed(figures=figures)])
    record = record_of(ledger, lease)
    assert (record.curves, record.usage, record.figures) == (curves, usages[1], figures)
    assert record.progress == Progress(done=1, bars=bars)
    ledger.lose(lease, "killed")
    record = record_of(ledger, start(lease.ref))
    assert (record.curves, record.usage, record.progress) == ((), None, None)
    assert record.figures == ()


def test_a_repeated_append_changes_nothing(ledger: Ledger, start: Start, events: Events) -> None:
    """A write whose reply was lost is recognised by its number."""
    lease = start()
    ledger.append(lease, 1, [LINE])
    ledger.append(lease, 2, [LINE])
    before = events("ada")
    assert ledger.append(lease, 2, [LINE]) is Write.REPEATED
    assert ledger.append(lease, 1, [LINE, HALF]) is Write.REPEATED
    assert events("ada") == before
    assert ledger.append(lease, 3, [HALF]) is Write.DONE


def test_writes_are_numbered_within_an_attempt(ledger: Ledger, start: Start) -> None:
    """The next attempt counts from 1 again."""
    lease = start()
    ledger.append(lease, 1, [LINE])
    ledger.append(lease, 2, [LINE])
    ledger.lose(lease, "killed")
    assert ledger.append(start(lease.ref), 1, [LINE]) is Write.DONE


def test_a_record_keeps_the_end_of_long_output(ledger: Ledger, start: Start) -> None:
    """What no longer fits into the tail is counted in characters, not bytes."""
    lease = start()
    whole = ""
    for number in range(1, 8):
        text = f"{number}€𝄞" * 20_000
        whole += text
        ledger.append(lease, number, [OutputWritten(text=text)])
    record = record_of(ledger, lease)
    assert record.output == whole[-OUTPUT_TAIL_CHARS:]
    assert record.output_dropped_chars == len(whole) - OUTPUT_TAIL_CHARS


@pytest.mark.parametrize("outcome", [SUCCESS, FAILURE])
def test_finish_makes_the_job_final(
    ledger: Ledger, start: Start, events: Events, outcome: JobSucceeded | JobFailed
) -> None:
    """State, outcome and the one final event are there together."""
    lease = start()
    assert ledger.finish(lease, outcome, None) is Write.DONE
    record = record_of(ledger, lease)
    assert record.state in FINAL
    assert record.finished_at is not None
    match outcome:
        case JobSucceeded():
            assert (record.result, record.error) == (outcome.result, None)
        case JobFailed():
            assert (record.result, record.error) == (None, outcome.error)
    assert kinds(events("ada")) == [JobSubmitted, AttemptStarted, type(outcome)]


def test_a_repeated_finish_changes_nothing(ledger: Ledger, start: Start, events: Events) -> None:
    """A finish whose reply was lost is recognised, whatever outcome the second one says."""
    lease = start()
    ledger.finish(lease, SUCCESS, None)
    before = events("ada")
    assert ledger.finish(lease, SUCCESS, None) is Write.REPEATED
    assert ledger.finish(lease, FAILURE, None) is Write.REPEATED
    assert events("ada") == before
    assert record_of(ledger, lease).state is JobState.SUCCEEDED


def test_nothing_is_appended_to_a_final_job(ledger: Ledger, start: Start, events: Events) -> None:
    """After the final event an attempt is fenced, also for a number it had written."""
    lease = start()
    ledger.append(lease, 1, [LINE])
    ledger.finish(lease, SUCCESS, None)
    before = events("ada")
    assert ledger.append(lease, 1, [LINE]) is Write.FENCED
    assert ledger.append(lease, 2, [LINE]) is Write.FENCED
    assert events("ada") == before


def test_cancel_fences_the_attempt(ledger: Ledger, start: Start, events: Events) -> None:
    """A running job that is cancelled is final; what its attempt still does has no effect."""
    lease = start()
    record = ledger.cancel(lease.ref)
    assert record is not None
    assert record.state is JobState.CANCELLED
    assert record.finished_at is not None
    assert ledger.append(lease, 1, [LINE]) is Write.FENCED
    assert ledger.finish(lease, SUCCESS, None) is Write.FENCED
    assert ledger.lose(lease, "killed") is None
    assert record_of(ledger, lease) == record
    assert kinds(events("ada")) == [JobSubmitted, AttemptStarted, JobCancelled]


@pytest.mark.parametrize("outcome", [SUCCESS, FAILURE])
def test_cancel_comes_too_late_for_a_finished_job(
    ledger: Ledger, start: Start, events: Events, outcome: JobSucceeded | JobFailed
) -> None:
    """A job that is final already stays as it is, and its record is returned."""
    lease = start()
    ledger.finish(lease, outcome, None)
    before = record_of(ledger, lease)
    assert ledger.cancel(lease.ref) == before
    assert kinds(events("ada")) == [JobSubmitted, AttemptStarted, type(outcome)]


def test_a_lost_attempt_queues_the_job_again(ledger: Ledger, start: Start, events: Events) -> None:
    """The record tells what happened, and the next attempt has the next token."""
    lease = start()
    ledger.append(lease, 1, [LINE, HALF])
    record = ledger.lose(lease, "killed by signal 9\n(out of memory)")
    assert record is not None
    assert (record.state, record.started_at) == (JobState.QUEUED, None)
    lost = events("ada")[-1]
    assert isinstance(lost, AttemptLost)
    assert lost.attempt == 1
    assert [death.attempt for death in record.past_attempts] == [1]
    assert record.past_attempts[0].cause == "killed by signal 9 (out of memory)" == lost.cause
    assert record.past_attempts[0].at == lost.at
    assert start(lease.ref, worker="w2") == Lease(lease.ref, 2)


def test_a_new_attempt_begins_with_a_clean_record(ledger: Ledger, start: Start) -> None:
    """Output and progress of a lost attempt are not mixed with those of the next."""
    lease = start()
    ledger.append(lease, 1, [LINE, HALF])
    ledger.lose(lease, "killed")
    record = record_of(ledger, start(lease.ref, worker="w2"))
    assert (record.output, record.output_dropped_chars, record.progress) == ("", 0, None)
    assert (record.worker, record.attempt) == ("w2", 2)
    assert record.started_at is not None


@pytest.mark.parametrize("is_claimed_again", [False, True], ids=["queued", "claimed again"])
def test_a_lost_attempt_is_fenced(
    ledger: Ledger, start: Start, events: Events, is_claimed_again: bool
) -> None:
    """An old token is refused everywhere, whether or not another attempt has begun."""
    old = start(worker="w1")
    ledger.append(old, 1, [LINE])
    ledger.lose(old, "the network went away")
    if is_claimed_again:
        start(old.ref, worker="w2")
    before = events("ada")
    assert ledger.append(old, 1, [LINE]) is Write.FENCED
    assert ledger.append(old, 2, [LINE]) is Write.FENCED
    assert ledger.finish(old, SUCCESS, None) is Write.FENCED
    assert ledger.lose(old, "once more") is None
    assert events("ada") == before


def test_a_token_from_the_future_is_fenced(ledger: Ledger, start: Start) -> None:
    """A lease that nobody was given allows nothing."""
    lease = start()
    forged = Lease(lease.ref, 2)
    assert ledger.append(forged, 1, [LINE]) is Write.FENCED
    assert ledger.finish(forged, SUCCESS, None) is Write.FENCED
    assert ledger.lose(forged, "never was") is None
    assert ledger.finish(Lease(JobRef("bob", lease.ref.id), 1), SUCCESS, None) is Write.FENCED
    assert record_of(ledger, lease).state is JobState.RUNNING


def test_spent_attempts_fail_the_job_with_all_causes(
    ledger: Ledger, submit: Submit, start: Start, events: Events
) -> None:
    """The last death is the job's, and its error tells of each."""
    ref = submit()
    for number in range(1, MAX_ATTEMPTS + 1):
        record = ledger.lose(start(ref), f"cause no. {number}")
        assert record is not None
        assert record.is_final == (number == MAX_ATTEMPTS)
    record = ledger.job(ref)
    assert record is not None
    assert record.state is JobState.FAILED
    assert record.error is not None
    assert record.error.type == "taskkit.JobLost"
    assert record.error.traceback == ""
    for number in range(1, MAX_ATTEMPTS + 1):
        assert f"cause no. {number}" in record.error.message
    assert len(record.past_attempts) == MAX_ATTEMPTS
    assert kinds(events("ada"))[-2:] == [AttemptLost, JobFailed]
    assert ledger.claim(ref, worker="w1", pid=7) is None


def test_of_finish_and_cancel_one_wins(ledger: Ledger, start: Start, events: Events) -> None:
    """However they race, a job gets exactly one final event, and all answers agree with it."""
    for _ in range(10):
        lease, together = start(), Barrier(2)

        def finish(lease: Lease = lease, together: Barrier = together) -> Write:
            together.wait(timeout=20)
            return ledger.finish(lease, SUCCESS, None)

        def cancel(lease: Lease = lease, together: Barrier = together) -> JobRecord | None:
            together.wait(timeout=20)
            return ledger.cancel(lease.ref)

        with ThreadPoolExecutor(2) as pool:
            finished, cancelled = pool.submit(finish), pool.submit(cancel)
            record = cancelled.result()
        ends = [e for e in events("ada") if isinstance(e, JobSucceeded | JobCancelled)]
        assert [e.job for e in ends].count(lease.ref.id) == 1
        assert record == record_of(ledger, lease)
        is_done = finished.result() is Write.DONE
        assert is_done == (record is not None and record.state is JobState.SUCCEEDED)
