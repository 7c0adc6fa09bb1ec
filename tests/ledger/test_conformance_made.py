"""What a job was made of and how it ran can be told of any job, and costs a queued one nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from taskkit.ledger import JobRef, Lease, Ledger, Made, Ran, Sheet, StoredResult, Write
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.jobs import ErrorInfo, ResultInfo
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.wire import JSON

Submit = Callable[..., JobRef]
Start = Callable[..., Lease]

SUCCESS = JobSucceeded(result=ResultInfo(media_type=JSON, size_bytes=1))
FAILURE = JobFailed(error=ErrorInfo(type="E", message="no"))
ONE = StoredResult(media_type=JSON, body=b"1")
FUNCTION = sha256(b"f").hexdigest()
PYTHON, CODE = Sheet('{"kind":"environment"}'), Sheet('{"kind":"code"}')


@pytest.fixture
def shipped(ledger: Ledger, submit: Submit) -> Callable[..., JobRef]:
    """Submit a job of a shipped function."""

    def submit_one(**spec: Any) -> JobRef:
        ledger.put_function("ada", FUNCTION, b"f")
        return submit(**{"function": FUNCTION, "payload": b"args", "python": "3.12", **spec})

    return submit_one


def test_a_job_says_what_it_was_made_of_before_it_ran(ledger: Ledger, shipped: Submit) -> None:
    """Nobody has said yet how it ran."""
    made = ledger.made(shipped())
    assert made is not None
    spec = JobSpec(task="demo", function=FUNCTION, payload=b"args", python="3.12")
    assert made == Made(spec=spec)
    assert ledger.made(JobRef("ada", "0" * 32)) is None


@pytest.mark.parametrize("outcome", [SUCCESS, FAILURE], ids=["succeeded", "failed"])
def test_a_final_job_has_its_sheets_and_small_arguments(
    ledger: Ledger, shipped: Submit, start: Start, outcome: JobSucceeded | JobFailed
) -> None:
    """Whatever came of it; its blobs are named, too."""
    ref = shipped(blobs=("b" * 64,))
    assert ledger.finish(start(ref), outcome, ONE, ran=Ran(sheets=(PYTHON, CODE))) is Write.DONE
    made = ledger.made(ref)
    assert made is not None
    assert (made.sheets, made.lost) == ((PYTHON.text, CODE.text), 0)
    assert (made.spec.payload, made.spec.blobs, made.arguments) == (b"args", ("b" * 64,), "")
    assert (ledger.spec(ref) is None) == (outcome is SUCCESS)  # it is not submitted again


def test_an_end_that_nobody_waits_for_has_its_sheets_too(ledger: Ledger, start: Start) -> None:
    """As jobs of a series end; also where the ledger has been told of them."""
    first, second = start(), start()
    finisher = ledger.finisher()
    for lease in (first, second):
        finisher.send(lease, SUCCESS, ONE, ran=Ran(sheets=(PYTHON, CODE), arguments="d" * 64))
    assert finisher.answers() == [Write.DONE, Write.DONE]
    for lease in (first, second):
        made = ledger.made(lease.ref)
        assert made is not None
        assert (made.sheets, made.lost) == ((PYTHON.text, CODE.text), 0)
        assert (made.spec.payload, made.arguments) == (b"", "d" * 64)


def test_of_large_arguments_the_digest_stays(ledger: Ledger, shipped: Submit, start: Start) -> None:
    """A job that succeeds lets them go; one that fails may be tried again, and keeps them."""
    ran = Ran(arguments="d" * 64)
    good, bad = shipped(), shipped()
    ledger.finish(start(good), SUCCESS, ONE, ran=ran)
    ledger.finish(start(bad), FAILURE, None, ran=ran)
    told = ledger.made(good), ledger.made(bad)
    assert [made and (made.spec.payload, made.arguments) for made in told] == [
        (b"", "d" * 64),
        (b"args", ""),
    ]


def test_a_worker_of_before_says_nothing(ledger: Ledger, shipped: Submit, start: Start) -> None:
    """Its jobs let their arguments go, as they did."""
    ref = shipped()
    ledger.finish(start(ref), SUCCESS, ONE)
    made = ledger.made(ref)
    assert made is not None
    assert (made.spec.payload, made.arguments, made.sheets) == (b"", "", ())


def test_the_last_attempt_that_had_an_outcome_counts(
    ledger: Ledger, shipped: Submit, start: Start
) -> None:
    """Not the one before it, nor one that was fenced or repeated what it had said."""
    ref = shipped()
    lease = start(ref)
    ledger.lose(lease, "gone")
    again = start(ref, worker="w2")
    assert ledger.finish(lease, FAILURE, None, ran=Ran(sheets=(PYTHON,))) is Write.FENCED
    assert ledger.finish(again, SUCCESS, ONE, ran=Ran(sheets=(CODE,))) is Write.DONE
    assert ledger.finish(again, SUCCESS, ONE, ran=Ran(sheets=(PYTHON,))) is Write.REPEATED
    made = ledger.made(ref)
    assert made is not None
    assert made.sheets == (CODE.text,)


@pytest.mark.parametrize("timings", [{"retention_s": 0.15}])
def test_a_sheet_outlives_every_job_that_names_it(
    ledger: Ledger, shipped: Submit, start: Start, advance: Callable[[float], None]
) -> None:
    """It is sent with the first of many jobs, and is there for the last."""
    ran = Ran(sheets=(PYTHON,))
    ledger.finish(start(shipped()), SUCCESS, ONE, ran=ran)
    advance(0.2)
    ref = shipped()
    ledger.finish(start(ref), SUCCESS, ONE, ran=ran)
    made = ledger.made(ref)
    assert made is not None
    assert made.sheets == (PYTHON.text,)


def test_sheets_are_of_their_owner(ledger: Ledger, shipped: Submit, start: Start) -> None:
    """Two owners whose jobs ran in one environment have one each."""
    ran = Ran(sheets=(PYTHON,))
    ledger.finish(start(shipped()), SUCCESS, ONE, ran=ran)
    [other] = ledger.submit("bob", [("k", JobSpec(task="demo"))])
    ref = JobRef("bob", other.record.id)
    ledger.finish(start(ref), SUCCESS, ONE, ran=replace(ran))
    made = ledger.made(ref)
    assert made is not None
    assert made.sheets == (PYTHON.text,)
