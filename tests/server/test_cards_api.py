"""What the server tells of how a job's result came about, and to whom."""

from __future__ import annotations

import json
import pickle
import secrets
from base64 import b64decode
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from serving import FadingLedger, Http, failed, problem, queued, running

from taskkit.ledger import JobRef, Ran, Sheet, StoredResult
from taskkit.protocol import wire
from taskkit.protocol.events import JobSucceeded, OutputWritten
from taskkit.protocol.jobs import JobState, ResultInfo
from taskkit.protocol.spec import LOCAL_OWNER, JobSpec, sealed
from taskkit.travel.stamps import stamped

PICKLED = pickle.dumps(len)
ABOUT = {"source": "def f(x, seed):\n    return x\n", "module": "__main__", "qualname": "f"}
FUNCTION = stamped(PICKLED, {"numpy": "==2.*"}, ABOUT)
ARGUMENTS = pickle.dumps(((1,), {"seed": 7}))
ENVIRONMENT = {"kind": "environment", "python": "3.12.1", "packages": {"google-auth": "2.1"}}
DONE = JobSucceeded(result=ResultInfo(media_type=wire.JSON, size_bytes=1, preview="1"))
ONE = StoredResult(media_type=wire.JSON, body=b"1")


def shipped(ledger: FadingLedger, payload: bytes = ARGUMENTS, **spec: Any) -> JobRef:
    """Make a queued job of a function."""
    digest = sha256(FUNCTION).hexdigest()
    ledger.put_function(LOCAL_OWNER, digest, FUNCTION)
    made = JobSpec(task="f", function=digest, payload=payload, python="3.12", **spec)
    [job] = ledger.submit(LOCAL_OWNER, [(secrets.token_hex(8), made)])
    return JobRef(LOCAL_OWNER, job.record.id)


def done(ledger: FadingLedger, ref: JobRef, ran: Ran | None) -> JobRef:
    """Let a job succeed."""
    claim = ledger.claim(ref, worker="lab-7-1f", pid=70)
    assert claim is not None
    ledger.append(claim.lease, 1, [OutputWritten(text="token = 'hush'\nhello\n")])
    ledger.finish(claim.lease, DONE, ONE, ran=ran)
    return ref


def card(http: Http, ref: JobRef) -> dict[str, Any]:
    """Ask for the card of a job."""
    response = http.get(f"/jobs/{ref.id}/card")
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json
    return found


def test_a_card_says_what_ran_where_on_what(http: Http, ledger: FadingLedger) -> None:
    """By digests that whoever has the bytes can check."""
    ran = Ran(sheets=(Sheet(json.dumps(ENVIRONMENT)),))
    ref = done(ledger, shipped(ledger, sealed(bytes(32), ARGUMENTS)), ran)
    told = card(http, ref)
    assert told["schema"] == "taskkit.card/1"
    assert told["job"]["state"] == "succeeded"
    code = told["code"]
    assert (code["form"], code["source"], code["needs"]) == (
        "function",
        ABOUT["source"],
        {"numpy": "==2.*"},
    )
    assert code["sha256"] == sha256(FUNCTION).hexdigest()
    assert code["pickle_sha256"] == sha256(PICKLED).hexdigest()
    assert code["source_sha256"] == sha256(ABOUT["source"].encode()).hexdigest()
    assert told["arguments"]["sha256"] == sha256(ARGUMENTS).hexdigest()
    assert told["environment"]["packages"] == {"google-auth": "2.1"}
    assert told["result"]["sha256"] == sha256(b"1").hexdigest()
    [attempt] = told["attempts"]
    assert (attempt["worker"], attempt["end"]) == ("lab-7-1f", "succeeded")
    assert told["output"]["tail"] == "token = '…'\nhello\n"
    assert told["redacted"] == ["output.tail"]
    assert http.get(f"/jobs/{ref.id}/function").data == FUNCTION
    assert http.get(f"/jobs/{ref.id}/arguments").data == ARGUMENTS


def test_a_card_says_what_it_does_not_know(http: Http, ledger: FadingLedger) -> None:
    """Of a worker of an older release, which has told nothing, and let the arguments go."""
    ref = done(ledger, shipped(ledger), None)
    told = card(http, ref)
    assert told["environment"] is None
    assert told["arguments"] == {
        "form": "pickle",
        "sha256": "",
        "needs": [],
        "is_kept": False,
    }
    words = " ".join(told["unknown"])
    for part in ("environment: the worker died, or is of an older", "arguments: the job", "seed:"):
        assert part in words
    problem(http.get(f"/jobs/{ref.id}/arguments"), 404, "job_not_found")


def test_every_state_has_a_card(http: Http, ledger: FadingLedger) -> None:
    """Also before a job has run, and when it never will."""
    refs = [queued(ledger), running(ledger).ref, failed(ledger), queued(ledger)]
    ledger.cancel(refs[-1])
    cards = [card(http, ref) for ref in refs]
    assert [one["job"]["state"] for one in cards] == [
        JobState.QUEUED,
        JobState.RUNNING,
        JobState.FAILED,
        JobState.CANCELLED,
    ]
    assert [one["environment"] for one in cards] == [None] * 4
    why = [next(w for w in one["unknown"] if w.startswith("environment")) for one in cards]
    assert len(set(why)) == 4
    assert cards[2]["error"]["message"] == "no"
    assert cards[0]["attempts"] == []


def test_the_arguments_of_a_named_task_are_told_without_secrets(
    http: Http, ledger: FadingLedger
) -> None:
    """The digest is of what they are; which were taken out is said."""
    text = '{"seed": 3, "db_password": "hush", "url": "http://me:hush@host/x"}'
    [job] = ledger.submit(LOCAL_OWNER, [("k", JobSpec(task="demo", arguments=text))])
    told = card(http, JobRef(LOCAL_OWNER, job.record.id))
    assert told["arguments"]["value"] == {
        "seed": 3,
        "db_password": "…",
        "url": "http://…@host/x",
    }
    assert told["arguments"]["sha256"] == sha256(text.encode()).hexdigest()
    assert told["seed"] == {"seed": 3}
    assert told["redacted"] == ["arguments.value.db_password", "arguments.value.url"]
    assert "hush" not in json.dumps(told)
    problem(http.get(f"/jobs/{job.record.id}/function"), 404, "job_not_found")


def test_a_function_that_is_gone_is_told(http: Http, ledger: FadingLedger) -> None:
    """The card has its digest still."""
    ref = shipped(ledger)
    ledger._functions.clear()
    told = card(http, ref)
    assert told["code"]["sha256"] == sha256(FUNCTION).hexdigest()
    assert "code: the function is not kept any more" in told["unknown"]
    problem(http.get(f"/jobs/{ref.id}/function"), 404, "function_not_found")


@pytest.mark.parametrize("end", [b"taskkit-about:1\n", b"taskkit-needs:1\n"])
def test_a_function_that_says_nonsense_of_itself_has_a_card(
    http: Http, ledger: FadingLedger, end: bytes
) -> None:
    """Anybody may write a client."""
    pickled = b"N." + b"[[[" + (3).to_bytes(4, "big") + end
    digest = sha256(pickled).hexdigest()
    ledger.put_function(LOCAL_OWNER, digest, pickled)
    made = JobSpec(task="f", function=digest, payload=b"N.", python="3.12")
    [job] = ledger.submit(LOCAL_OWNER, [("k", made)])
    assert card(http, JobRef(LOCAL_OWNER, job.record.id))["code"]["sha256"] == digest


def test_a_sheet_of_nonsense_is_left_out(http: Http, ledger: FadingLedger) -> None:
    """A job in a box of its own says what it ran in, and may say anything."""
    sheets = tuple(map(Sheet, ("[", "[1]", '{"kind": 3}', '{"kind":"environment","a":"b"}')))
    told = card(http, done(ledger, shipped(ledger), Ran(sheets=sheets)))
    assert told["environment"] == {"a": "b"}


def test_a_link_shows_a_card_without_source_and_arguments(
    app: Flask, http: Http, ledger: FadingLedger
) -> None:
    """And nothing by which they could be had; what is withheld is said."""
    ref = done(ledger, shipped(ledger), Ran())
    text = json.dumps({"n": 5, "seed": 3})
    [named] = ledger.submit(LOCAL_OWNER, [("k", JobSpec(task="demo", arguments=text))])
    made = http.post("/shares", {"jobs": [ref.id, named.record.id]})
    assert made.status_code == 201, made.text
    reader = Http(app, made.json["token"])
    told, of_named = card(reader, ref), card(reader, JobRef(LOCAL_OWNER, named.record.id))
    assert "source" not in told["code"]
    assert told["code"]["sha256"] == sha256(FUNCTION).hexdigest()
    assert "value" not in of_named["arguments"]
    assert of_named["seed"] is None
    assert [why for why in of_named["unknown"] if "by a link" in why]
    for path in ("function", "arguments"):
        problem(reader.get(f"/jobs/{ref.id}/{path}"), 403, "forbidden")
    assert ABOUT["source"] not in reader.get(f"/jobs/{ref.id}/card").text


def test_a_pickle_is_not_for_who_takes_json_alone(http: Http, ledger: FadingLedger) -> None:
    """As of results."""
    ref = shipped(ledger)
    for path in ("function", "arguments"):
        at = f"/jobs/{ref.id}/{path}"
        problem(http.get(at, headers={"Accept": wire.JSON}), 406, "not_acceptable")
    assert b64decode("gAU=")[:1] == http.get(f"/jobs/{ref.id}/arguments").data[:1]
