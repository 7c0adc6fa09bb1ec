"""A lease lasts as long as its worker is heard of; what died is found and begun again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from taskkit.ledger import JobRef, Lease, Ledger, Write
from taskkit.protocol.events import AttemptLost, Event, JobSucceeded, OutputWritten
from taskkit.protocol.jobs import JobState, ResultInfo
from taskkit.protocol.spec import MAX_ATTEMPTS

Submit = Callable[..., JobRef]
Start = Callable[..., Lease]
Events = Callable[..., list[Event]]
Advance = Callable[[float], None]

SUCCESS = JobSucceeded(result=ResultInfo(media_type="application/json", size_bytes=1))

short_leases = pytest.mark.parametrize("timings", [{"lease_s": 0.02}], ids=["short leases"])


def test_a_beat_of_an_unknown_worker_asks_it_to_join(ledger: Ledger) -> None:
    """A worker that the ledger does not know is told so."""
    assert ledger.beat("w1") is None


def test_a_beat_of_a_healthy_worker_has_nothing_to_say(
    ledger: Ledger, join: Any, start: Start
) -> None:
    """While its leases are valid, a worker need not stop anything."""
    join("w1")
    start(worker="w1")
    assert ledger.beat("w1") == []


@pytest.mark.parametrize("timings", [{"lease_s": 1.0}], ids=["leases of a second"])
def test_a_beat_renews_the_leases(
    ledger: Ledger, join: Any, start: Start, advance: Advance
) -> None:
    """A worker that is heard of keeps its attempts beyond the first lease; others do not."""
    join("w1")
    kept, lost = start(worker="w1"), start(worker="w2")
    advance(0.6)
    ledger.beat("w1")
    advance(0.6)
    ledger.sweep()
    states = {lease: ledger.job(lease.ref).state for lease in (kept, lost)}  # type: ignore[union-attr]
    assert states == {kept: JobState.RUNNING, lost: JobState.QUEUED}


@short_leases
def test_an_ended_lease_is_lost_in_a_sweep(
    ledger: Ledger, start: Start, advance: Advance, events: Events
) -> None:
    """The job is queued again with the cause told, and is due for a wake-up at once."""
    lease = start()
    ledger.published([lease.ref])
    advance(0.03)
    assert [due.ref for due in ledger.sweep()] == [lease.ref]
    record = ledger.job(lease.ref)
    assert record is not None
    assert record.state is JobState.QUEUED
    assert "lease" in record.past_attempts[0].cause
    assert isinstance(events("ada")[-1], AttemptLost)


def test_a_living_lease_survives_a_sweep(ledger: Ledger, start: Start, events: Events) -> None:
    """A sweep touches nothing that is in order."""
    lease = start()
    before = events("ada")
    assert ledger.sweep(empty=["default"]) == []
    assert events("ada") == before
    assert ledger.append(lease, 1, [OutputWritten(text="x")]) is Write.DONE


@short_leases
def test_an_attempt_may_write_until_it_is_swept(
    ledger: Ledger, start: Start, advance: Advance
) -> None:
    """A worker that was late but lost nothing may still finish its work."""
    lease = start()
    advance(0.03)
    assert ledger.append(lease, 1, [OutputWritten(text="x")]) is Write.DONE
    assert ledger.finish(lease, SUCCESS, None) is Write.DONE
    assert ledger.sweep() == []


@short_leases
def test_a_swept_attempt_is_fenced_and_told_to_stop(
    ledger: Ledger, join: Any, start: Start, advance: Advance
) -> None:
    """A worker that comes back late learns which process works in vain."""
    join("w1")
    lease = start(worker="w1", pid=99)
    advance(0.03)
    ledger.sweep()
    assert ledger.finish(lease, SUCCESS, None) is Write.FENCED
    assert ledger.beat("w1") == [(lease, 99)]


@short_leases
def test_a_job_whose_leases_end_fails_in_the_end(
    ledger: Ledger, submit: Submit, start: Start, advance: Advance
) -> None:
    """A job that kills every worker is begun `MAX_ATTEMPTS` times, not for ever."""
    ref = submit()
    for _ in range(MAX_ATTEMPTS):
        start(ref)
        advance(0.03)
        due = ledger.sweep()
    assert due == []
    record = ledger.job(ref)
    assert record is not None
    assert record.state is JobState.FAILED
    assert record.error is not None
    assert record.error.type == "taskkit.JobLost"
    for number in range(1, MAX_ATTEMPTS + 1):
        assert f"attempt {number}: the lease ended" in record.error.message


def test_a_beat_names_a_cancelled_attempt_until_it_is_dropped(
    ledger: Ledger, join: Any, start: Start
) -> None:
    """The worker hears of a process to stop as often as it asks, until it says it is gone."""
    join("w1")
    lease, other = start(worker="w1", pid=11), start(worker="w1", pid=12)
    ledger.cancel(lease.ref)
    assert ledger.beat("w1") == [(lease, 11)]
    assert ledger.beat("w1") == [(lease, 11)]
    ledger.drop("w1", lease)
    assert ledger.beat("w1") == []
    assert ledger.held("w1") == [(other, 12)]


def test_held_leases_are_those_not_yet_given_back(ledger: Ledger, start: Start) -> None:
    """Valid or not, a lease is held until its attempt finishes or it is dropped."""
    assert ledger.held("w1") == []
    finished, lost, runs = (start(worker="w1", pid=pid) for pid in (1, 2, 3))
    start(worker="w2")
    ledger.finish(finished, SUCCESS, None)
    ledger.lose(lost, "killed")
    assert set(ledger.held("w1")) == {(lost, 2), (runs, 3)}
    ledger.drop("w1", lost)
    assert ledger.held("w1") == [(runs, 3)]


def test_dropping_twice_is_harmless(ledger: Ledger, start: Start) -> None:
    """A drop whose reply was lost may be repeated."""
    lease = start(worker="w1")
    ledger.cancel(lease.ref)
    ledger.drop("w1", lease)
    ledger.drop("w1", lease)
    assert ledger.held("w1") == []
