"""An equal call gets the job that is there; one that is run says what differs from the last."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from taskkit.ledger import JobRef, Lease, Ledger, StoredResult, Submission
from taskkit.protocol.errors import FunctionNotFound
from taskkit.protocol.events import Event, JobFailed, JobSubmitted, JobSucceeded
from taskkit.protocol.identity import Change, Identity, Rerun
from taskkit.protocol.jobs import ErrorInfo, ResultInfo
from taskkit.protocol.spec import JobSpec

Start = Callable[..., Lease]
Advance = Callable[[float], None]

SUCCEEDED = JobSucceeded(result=ResultInfo(media_type="x", size_bytes=1))
FAILED = JobFailed(error=ErrorInfo(type="ValueError", message="no"))
RESULT = StoredResult(media_type="x", body=b"1")


def identity(key: str = "a", **said: Any) -> Identity:
    """Return what a call is."""
    said = {"topics": ("of fit",), "parts": {"code:fit": "c1", "global:alpha": "1"}, **said}
    return Identity(key=key * 64 if key else "", **said)


def ask(ledger: Ledger, what: Identity | None = None, **more: Any) -> Submission:
    """Submit a call under a key of its own."""
    owner, after = more.pop("owner", "ada"), more.pop("after", ())
    key = more.pop("under", f"k{id(object())}-{len(ledger.jobs(owner))}-{ask_count()}")
    spec = JobSpec(task=more.pop("task", "fit"), identity=what or identity(), after=after, **more)
    [answer] = ledger.submit(owner, [(key, spec)])
    return answer


_asked = iter(range(10**9))


def ask_count() -> int:
    """Return another number each time."""
    return next(_asked)


def ref_of(answer: Submission, owner: str = "ada") -> JobRef:
    """Return the address of a submission's job."""
    return JobRef(owner, answer.record.id)


def succeed(ledger: Ledger, start: Start, answer: Submission) -> None:
    """Let a job run and end well."""
    ledger.finish(start(ref_of(answer)), SUCCEEDED, RESULT)


def test_an_equal_call_gets_the_job_in_any_state_but_bad_ones(
    ledger: Ledger, start: Start, events: Callable[[], list[Event]]
) -> None:
    """Queued, running or succeeded it is the same job, and no event is added."""
    first = ask(ledger)
    assert (first.is_new, first.is_recalled) == (True, False)
    queued = ask(ledger)
    lease = start(ref_of(first))
    running = ask(ledger)
    ledger.finish(lease, SUCCEEDED, RESULT)
    many = len(events())
    done = ask(ledger)
    for answer in (queued, running, done):
        assert (answer.is_new, answer.is_recalled) == (False, True)
        assert answer.record.id == first.record.id
    assert len(events()) == many


@pytest.mark.parametrize("how", ["failed", "cancelled"])
def test_what_failed_stands_for_nothing(ledger: Ledger, start: Start, how: str) -> None:
    """After a failure or a cancellation the call is run again, and that one counts."""
    first = ask(ledger)
    if how == "failed":
        ledger.finish(start(ref_of(first)), FAILED, None)
    else:
        ledger.cancel(ref_of(first))
    second = ask(ledger)
    assert second.is_new
    assert second.record.rerun is None
    assert ask(ledger).record.id == second.record.id


def test_others_do_not_get_it(ledger: Ledger) -> None:
    """Neither another key, nor another owner, nor a call without identity or without key."""
    ids = {
        ask(ledger).record.id,
        ask(ledger, identity("b")).record.id,
        ask(ledger, owner="bob").record.id,
        ask(ledger, identity("", unsure="a lock")).record.id,
        ask(ledger, identity("", unsure="a lock")).record.id,
        ledger.submit("ada", [("plain", JobSpec(task="fit"))])[0].record.id,
    }
    assert len(ids) == 6


def test_two_at_once_are_run_once(ledger: Ledger) -> None:
    """Of submissions that race with one another one makes the job."""
    barrier = Barrier(4)

    def race(_: int) -> Submission:
        barrier.wait(10)
        return ask(ledger)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(race, range(4)))
    assert len({answer.record.id for answer in answers}) == 1
    assert sorted(answer.is_new for answer in answers) == [False, False, False, True]


@pytest.mark.parametrize("is_renewed", [False, True])
def test_two_in_one_request_are_run_once(ledger: Ledger, is_renewed: bool) -> None:
    """Also where the call is to be run in any case."""
    before = ask(ledger)
    spec = JobSpec(task="fit", identity=identity("b" if not is_renewed else "a"))
    spec = replace(spec, identity=replace(spec.identity, is_renewed=is_renewed))
    answers = ledger.submit("ada", [("x", spec), ("y", spec)])
    assert [answer.is_new for answer in answers] == [True, False]
    assert [answer.is_recalled for answer in answers] == [False, True]
    assert answers[0].record.id == answers[1].record.id != before.record.id


def test_a_repeated_request_is_told_the_same(ledger: Ledger, start: Start) -> None:
    """Whoever made the job is never told that it is an earlier one; whoever did not always is."""
    made = ask(ledger, under="one")
    assert not ask(ledger, under="one").is_recalled
    found = ask(ledger, under="two")
    again = ask(ledger, under="two")
    assert (found.is_recalled, again.is_recalled, again.is_new) == (True, True, False)
    succeed(ledger, start, made)
    assert not ask(ledger, under="one").is_recalled
    assert ask(ledger, under="two").record.id == made.record.id


def test_a_repeated_renewal_makes_one_job(ledger: Ledger) -> None:
    """The request's own key says that it is the same request."""
    first = ask(ledger)
    renewed = identity(is_renewed=True)
    second = ask(ledger, renewed, under="again")
    assert second.record.id != first.record.id
    assert second.record.rerun == Rerun(is_renewed=True)
    assert ask(ledger, renewed, under="again").record.id == second.record.id
    assert ask(ledger).record.id == second.record.id


def test_a_call_says_what_differs(ledger: Ledger, events: Callable[[], list[Event]]) -> None:
    """From the last one of its first topic that is known; in the record and in the event."""
    ask(ledger, identity(topics=("fit of 1", "fit")))
    other = {"code:fit": "c2", "package:numpy": "2.1"}
    answer = ask(ledger, identity("b", topics=("fit of 2", "fit"), parts=other))
    changes = (
        Change(part="code:fit", before="c1", now="c2"),
        Change(part="global:alpha", before="1"),
        Change(part="package:numpy", now="2.1"),
    )
    assert answer.record.rerun == Rerun(changes=changes)
    assert ledger.job(ref_of(answer)) == answer.record
    [*_, event] = events()
    assert isinstance(event, JobSubmitted)
    assert event.rerun == answer.record.rerun
    back = ask(ledger, identity("c", topics=("fit of 1", "fit"), parts={"code:fit": "c2"}))
    assert back.record.rerun is not None
    assert [one.part for one in back.record.rerun.changes] == ["code:fit", "global:alpha"]


def test_of_many_changes_a_few_are_told(ledger: Ledger) -> None:
    """And how many more there are."""
    ask(ledger, identity(parts={f"global:{n}": "1" for n in range(9)}))
    answer = ask(ledger, identity("b", parts={f"global:{n}": "2" for n in range(9)}))
    assert answer.record.rerun is not None
    assert len(answer.record.rerun.changes) == 5
    assert answer.record.rerun.more == 4


def test_what_is_unsure_is_run_and_says_why(ledger: Ledger) -> None:
    """Each time."""
    unsure = identity("", unsure="`model` holds a lock")
    for _ in range(2):
        answer = ask(ledger, unsure)
        assert answer.is_new
        assert answer.record.rerun == Rerun(unsure="`model` holds a lock")


def test_jobs_given_to_a_call_count_as_what_they_are(ledger: Ledger, start: Start) -> None:
    """The same job is the same, by whichever key it is named; another one is another."""
    upstream = ask(ledger, identity("u"), under="up")
    first = ask(ledger, after=(upstream.record.id,))
    assert ask(ledger, after=("key:up",)).record.id == first.record.id
    found = ask(ledger, identity("u"), under="up-again")
    assert ask(ledger, after=("key:up-again",)).record.id == first.record.id
    assert found.record.id == upstream.record.id
    other = ask(ledger, identity("u", is_renewed=True), under="renewed")
    assert ask(ledger, after=("key:renewed",)).record.id != first.record.id
    succeed(ledger, start, other)
    assert ask(ledger).record.id != first.record.id


def test_in_one_request_a_call_may_be_after_one_that_is_there(ledger: Ledger) -> None:
    """By the key that the request gives it."""
    upstream = ask(ledger, identity("u"))
    specs = [
        ("up", JobSpec(task="fit", identity=identity("u"))),
        ("down", JobSpec(task="fit", identity=identity("d"), after=("key:up",))),
    ]
    found, down = ledger.submit("ada", specs)
    assert found.record.id == upstream.record.id
    assert down.record.after == (upstream.record.id,)


def test_a_function_need_not_be_there_for_what_is_known(ledger: Ledger) -> None:
    """Only what is run is asked for its function."""
    ledger.put_function("ada", "f" * 64, b"pickle")
    payload = {"function": "f" * 64, "payload": b"p", "python": "3.11"}
    first = ask(ledger, **payload)
    gone = {**payload, "function": "e" * 64}
    assert ask(ledger, **gone).record.id == first.record.id
    with pytest.raises(FunctionNotFound):
        ask(ledger, identity("b"), **gone)


@pytest.mark.parametrize("timings", [{"retention_s": 0.6}], ids=["retention of 0.6 s"])
def test_a_result_that_is_asked_for_is_kept_on(
    ledger: Ledger, start: Start, advance: Advance
) -> None:
    """With its blobs, as long as one that has just ended; then the call is run again."""
    first = ask(ledger)
    blob = "b" * 64
    ledger.finish(start(ref_of(first)), SUCCEEDED, replace(RESULT, blobs=(blob,)))
    for _ in range(3):
        advance(0.35)
        assert ask(ledger).record.id == first.record.id
        assert ledger.result(ref_of(first)) is not None
        assert ledger.unneeded("ada", [blob]) == []
    advance(0.7)
    again = ask(ledger)
    assert again.is_new
    assert ledger.unneeded("ada", [blob]) == [blob]
    assert ledger.result(ref_of(first)) is None


def test_calls_can_be_forgotten(ledger: Ledger, start: Start) -> None:
    """Those of a task, or all; the jobs stay."""
    fit, plot = ask(ledger), ask(ledger, task="plot")
    bob = ask(ledger, owner="bob")
    ledger.forget_calls("ada", "fit")
    second = ask(ledger)
    assert second.is_new
    assert ask(ledger, task="plot").record.id == plot.record.id
    assert ask(ledger).record.id == second.record.id
    ledger.forget_calls("ada")
    assert ask(ledger, task="plot").is_new
    assert ask(ledger).is_new
    assert ask(ledger, owner="bob").record.id == bob.record.id
    assert ledger.job(ref_of(fit)) is not None


def test_what_is_submitted_again_takes_its_place(ledger: Ledger, start: Start) -> None:
    """A failed call that is retried is run, and stands for its equals from then on."""
    first = ask(ledger)
    ledger.finish(start(ref_of(first)), FAILED, None)
    spec = ledger.spec(ref_of(first))
    assert spec is not None
    [again] = ledger.submit("ada", [("retry", spec)])
    assert again.is_new
    assert ask(ledger).record.id == again.record.id
