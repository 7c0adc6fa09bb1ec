"""Jobs come into being whole, once a key, and are found by their owner alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from taskkit.ledger import JobRef, Ledger
from taskkit.protocol.errors import FunctionNotFound, KeyReused
from taskkit.protocol.events import Event, JobCancelled, JobSubmitted
from taskkit.protocol.jobs import JobState
from taskkit.protocol.spec import JobSpec

Submit = Callable[..., JobRef]
Events = Callable[..., list[Event]]

DEMO = JobSpec(task="demo", arguments='{"name": "Hello"}')
OTHER = JobSpec(task="demo", arguments='{"name": "Goodbye"}')

short_retention = pytest.mark.parametrize(
    "timings", [{"retention_s": 0.02}], ids=["short retention"]
)


def test_an_accepted_job_is_queued(ledger: Ledger, clock: Any) -> None:
    """A new record names its task, waits, and has its time from the ledger's clock."""
    before = clock.now_ms()
    [submission] = ledger.submit("ada", [("k", DEMO)])
    record = submission.record
    assert submission.is_new
    assert (record.task, record.state, record.attempt) == ("demo", JobState.QUEUED, 0)
    assert before <= record.created_at <= clock.now_ms()
    assert len(record.id) == 32
    assert int(record.id, 16) >= 0
    assert ledger.job(JobRef("ada", record.id)) == record


def test_each_accepted_job_is_an_event(ledger: Ledger, events: Events) -> None:
    """Submitting appends `JobSubmitted`, in the order of the request."""
    made = ledger.submit("ada", [("a", DEMO), ("b", JobSpec(task="ising"))])
    log = events("ada")
    assert [type(event) for event in log] == [JobSubmitted, JobSubmitted]
    assert [(e.job, e.seq) for e in log] == [(s.record.id, s.record.seq) for s in made]
    assert [event.task for event in log if isinstance(event, JobSubmitted)] == ["demo", "ising"]


def test_submitting_nothing_makes_nothing(ledger: Ledger) -> None:
    """An empty request is answered by an empty list."""
    assert ledger.submit("ada", []) == []
    assert ledger.jobs("ada") == []


def test_the_same_key_and_spec_give_the_same_job(ledger: Ledger, events: Events) -> None:
    """A repeated request finds the job that it made before, and appends nothing."""
    [first] = ledger.submit("ada", [("k", DEMO)])
    [again] = ledger.submit("ada", [("k", DEMO)])
    assert first.is_new
    assert not again.is_new
    assert again.record == first.record
    assert len(events("ada")) == 1


def test_a_key_repeated_within_a_request_makes_one_job(ledger: Ledger) -> None:
    """Two equal specs under one key in one request are one job."""
    first, again = ledger.submit("ada", [("k", DEMO), ("k", DEMO)])
    assert (first.is_new, again.is_new) == (True, False)
    assert first.record == again.record


def test_a_key_finds_its_job_in_any_state(ledger: Ledger, submit: Submit) -> None:
    """A request repeated late gets the job's record as of now, final ones too."""
    ref = submit("k")
    ledger.cancel(ref)
    [again] = ledger.submit("ada", [("k", JobSpec(task="demo"))])
    assert not again.is_new
    assert again.record.id == ref.id
    assert again.record.state is JobState.CANCELLED


@pytest.mark.parametrize(
    "other",
    [
        JobSpec(task="ising", arguments=DEMO.arguments),
        OTHER,
        JobSpec(task="demo", function="f" * 64, payload=b"x", python="3.12"),
    ],
    ids=["task", "arguments", "function"],
)
def test_a_key_is_not_reused_for_another_spec(
    ledger: Ledger, other: JobSpec, events: Events
) -> None:
    """The same key with another spec is refused by name and makes nothing."""
    ledger.submit("ada", [("k", DEMO)])
    with pytest.raises(KeyReused, match="'k'") as refused:
        ledger.submit("ada", [("k", other)])
    assert refused.value.details == {"key": "k"}
    assert len(events("ada")) == len(ledger.jobs("ada")) == 1


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_reused_key_refuses_the_whole_request(
    ledger: Ledger, place: int, events: Events
) -> None:
    """All jobs of a request are made or none, wherever the reused key stands."""
    ledger.submit("ada", [("taken", DEMO)])
    requests = [("x", DEMO), ("y", OTHER)]
    requests.insert(place, ("taken", OTHER))
    with pytest.raises(KeyReused):
        ledger.submit("ada", requests)
    assert len(events("ada")) == len(ledger.jobs("ada")) == 1
    assert [made.is_new for made in ledger.submit("ada", [("x", OTHER), ("y", DEMO)])] == [True] * 2


def test_a_request_that_contradicts_itself_is_refused(ledger: Ledger, events: Events) -> None:
    """Two specs under one new key in one request make nothing."""
    with pytest.raises(KeyReused):
        ledger.submit("ada", [("k", DEMO), ("k", OTHER)])
    assert events("ada") == []


def test_keys_belong_to_their_owner(ledger: Ledger) -> None:
    """Two owners may use the same key for different specs."""
    [ada] = ledger.submit("ada", [("k", DEMO)])
    [bob] = ledger.submit("bob", [("k", OTHER)])
    assert bob.is_new
    assert ada.record.id != bob.record.id


def test_many_at_once_with_one_key_make_one_job(ledger: Ledger, events: Events) -> None:
    """Fifty threads that submit the same request get the same job; one of them made it."""
    together = Barrier(50)

    def submit_with_the_others(_: int) -> tuple[str, bool]:
        together.wait(timeout=20)
        [submission] = ledger.submit("ada", [("k", DEMO)])
        return submission.record.id, submission.is_new

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(submit_with_the_others, range(50)))
    assert len({id for id, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1
    assert len(events("ada")) == 1


def test_jobs_are_listed_newest_first(ledger: Ledger) -> None:
    """The list has the newest jobs of the owner, the newest in front, at most `limit`."""
    made = ledger.submit("ada", [(str(n), DEMO) for n in range(5)])
    ledger.submit("bob", [("b", DEMO)])
    newest_first = [submission.record for submission in reversed(made)]
    assert ledger.jobs("ada") == newest_first
    assert ledger.jobs("ada", limit=2) == newest_first[:2]


def test_jobs_created_before_a_time_are_listed(
    ledger: Ledger, submit: Submit, advance: Callable[[float], None]
) -> None:
    """`before` leaves out what was created at that time or later."""
    first = submit()
    advance(0.002)
    second = submit()
    created_at = ledger.jobs("ada")[0].created_at
    assert [record.id for record in ledger.jobs("ada", before=created_at)] == [first.id]
    listed = [record.id for record in ledger.jobs("ada", before=created_at + 1)]
    assert listed == [second.id, first.id]


def test_an_unknown_job_is_none(ledger: Ledger) -> None:
    """A ref that no submission made finds nothing."""
    assert ledger.job(JobRef("ada", "0" * 32)) is None


def test_another_owners_job_is_not_found(ledger: Ledger, submit: Submit) -> None:
    """Under another owner's name a job can be neither read, claimed, cancelled nor listed."""
    id = submit(owner="ada").id
    stolen = JobRef("bob", id)
    assert ledger.job(stolen) is None
    assert ledger.result(stolen) is None
    assert ledger.cancel(stolen) is None
    assert ledger.claim(stolen, worker="w1", pid=1) is None
    assert ledger.jobs("bob") == []
    record = ledger.job(JobRef("ada", id))
    assert record is not None
    assert record.state is JobState.QUEUED


@short_retention
def test_a_final_job_is_kept_for_the_retention_only(
    ledger: Ledger, submit: Submit, advance: Callable[[float], None]
) -> None:
    """When the retention is over, the job is gone from the list and its key is free again."""
    old, active = submit("old"), submit("active")
    ledger.cancel(old)
    advance(0.03)
    assert ledger.job(old) is None
    assert [record.id for record in ledger.jobs("ada")] == [active.id]
    assert submit("old", arguments='{"name": "new"}').id != old.id


@short_retention
def test_an_active_job_is_kept_for_ever(
    ledger: Ledger, submit: Submit, advance: Callable[[float], None]
) -> None:
    """The retention begins when a job becomes final."""
    ref = submit("k")
    advance(0.03)
    assert ledger.claim(ref, worker="w1", pid=1) is not None
    advance(0.03)
    assert submit("k") == ref


def test_a_shipped_function_is_kept_for_its_owner(ledger: Ledger) -> None:
    """A function is found by its owner and digest, and by nobody else."""
    ledger.put_function("ada", "d1", b"\x80pickled\x00")
    assert ledger.function("ada", "d1") == b"\x80pickled\x00"
    for owner, digest in [("bob", "d1"), ("ada", "d2")]:
        assert ledger.function(owner, digest) is None


@pytest.mark.parametrize("timings", [{"retention_s": 0.5}], ids=["half a second"])
def test_submitting_a_function_keeps_it(
    ledger: Ledger, submit: Submit, advance: Callable[[float], None]
) -> None:
    """Each job renews its function's time; one that nobody runs goes."""
    ledger.put_function("ada", "used", b"1")
    ledger.put_function("ada", "forgotten", b"2")
    advance(0.6)
    submit(function="used")
    advance(0.6)
    assert ledger.function("ada", "forgotten") is None
    assert ledger.function("ada", "used") == b"1"


def test_a_job_of_an_unknown_function_is_refused(ledger: Ledger, submit: Submit) -> None:
    """Nothing is made, of the others in the request neither, and the function is named."""
    ledger.put_function("bob", "d1", b"of another owner")
    request = ("k2", JobSpec(task="f", function="d1"))
    with pytest.raises(FunctionNotFound) as caught:
        ledger.submit("ada", [("k1", JobSpec(task="demo")), request])
    assert caught.value.details["function"] == "d1"
    assert ledger.jobs("ada") == []


def test_cancelling_a_queued_job_ends_it(ledger: Ledger, submit: Submit, events: Events) -> None:
    """A job that nobody runs yet is final at once, and can not be claimed any more."""
    ref = submit()
    record = ledger.cancel(ref)
    assert record is not None
    assert record.state is JobState.CANCELLED
    assert record.finished_at is not None
    assert ledger.claim(ref, worker="w1", pid=1) is None
    assert [type(event) for event in events("ada")] == [JobSubmitted, JobCancelled]


def test_cancelling_an_unknown_job_is_none(ledger: Ledger) -> None:
    """There is nothing to cancel under a ref that no submission made."""
    assert ledger.cancel(JobRef("ada", "0" * 32)) is None


def test_cancelling_twice_is_one_event(ledger: Ledger, submit: Submit, events: Events) -> None:
    """A job that is final already stays as it is."""
    ref = submit()
    first = ledger.cancel(ref)
    assert ledger.cancel(ref) == first
    assert [type(event) for event in events("ada")] == [JobSubmitted, JobCancelled]
