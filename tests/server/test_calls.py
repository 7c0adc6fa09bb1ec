"""Submissions that say what their call is, and how calls are forgotten."""

from __future__ import annotations

from typing import Any

import pytest
from serving import FadingLedger, Http, RecordingDispatch, problem

from taskkit.ledger import JobRef
from taskkit.protocol.spec import LOCAL_OWNER


def call(key: str = "a", **said: Any) -> dict[str, Any]:
    """Return a request for a named task that says what it is."""
    parts = {"code:ising": "1", "argument:size": "2"}
    identity = {"key": key * 64, "topics": ["b" * 64], "parts": parts, **said}
    return {"task": "ising", "arguments": {"size": 8}, "identity": identity}


def test_an_equal_call_is_answered_with_the_job_that_is_there(
    http: Http, dispatch: RecordingDispatch
) -> None:
    """200, marked as such, and nobody is woken; the job itself has no such mark."""
    made = http.post("/jobs", call())
    found = http.post("/jobs", call())
    assert (made.status_code, found.status_code) == (201, 200)
    assert made.json["id"] == found.json["id"]
    assert "is_recalled" not in made.json
    assert found.json["is_recalled"] is True
    assert dispatch.woken == ["default"]
    assert "is_recalled" not in http.get(f"/jobs/{made.json['id']}").json
    several = http.post("/jobs", {"jobs": [call(), call("c")]}).json["jobs"]
    assert several[0]["job"]["is_recalled"] is True
    assert "is_recalled" not in several[1]["job"]


def test_a_call_that_is_run_says_why(http: Http) -> None:
    """In its record, now and later."""
    http.post("/jobs", call())
    made = http.post("/jobs", call("c", parts={"code:ising": "1", "argument:size": "3"}))
    change = {"part": "argument:size", "before": "2", "now": "3"}
    assert made.json["rerun"]["changes"] == [change]
    assert http.get(f"/jobs/{made.json['id']}").json["rerun"] == made.json["rerun"]
    renewed = http.post("/jobs", call(is_renewed=True))
    assert (renewed.status_code, renewed.json["rerun"]["is_renewed"]) == (201, True)
    unsure = {"task": "ising", "arguments": {"size": 8}, "identity": {"unsure": "a lock"}}
    assert http.post("/jobs", unsure).json["rerun"]["unsure"] == "a lock"


def test_calls_are_forgotten_by_task_or_all(http: Http, ledger: FadingLedger) -> None:
    """204; the jobs are there still."""
    first = http.post("/jobs", call()).json["id"]
    assert http.ask("DELETE", "/calls?task=demo").status_code == 204
    assert http.post("/jobs", call()).json["id"] == first
    assert http.ask("DELETE", "/calls?task=ising").status_code == 204
    second = http.post("/jobs", call()).json["id"]
    assert http.ask("DELETE", "/calls").status_code == 204
    third = http.post("/jobs", call()).json["id"]
    assert len({first, second, third}) == 3
    assert ledger.job(JobRef(LOCAL_OWNER, first)) is not None


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"key": "short"}, "key"),
        ({"topics": ["x"]}, "topics.0"),
        ({"topics": ["b" * 64] * 3}, "topics"),
        ({"parts": {"x": "y" * 61}}, "parts.x"),
        ({"parts": {str(n): "y" for n in range(65)}}, "parts"),
        ({"unsure": "x" * 301}, "unsure"),
        ({"is_renewed": 1}, "is_renewed"),
        ({"value": 1}, "value"),
    ],
)
def test_what_is_no_identity_is_refused(http: Http, said: dict[str, Any], field: str) -> None:
    """By its field: it stays small whoever sends it."""
    found = problem(http.post("/jobs", call(**said)), 422, "invalid_request")
    assert any(name.startswith(f"identity.{field}") for name in found["fields"])
