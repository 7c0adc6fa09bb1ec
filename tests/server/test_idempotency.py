"""The Idempotency-Key header, as its draft has it."""

from __future__ import annotations

import re

import pytest
from serving import FadingLedger, Http, failed, problem

from taskkit_server.routes.idempotency import HEADER


def test_a_structured_string_and_the_bare_key_are_the_same(http: Http) -> None:
    """Also with what is escaped in it."""

    def made(header: str) -> str:
        response = http.post("/jobs", {"task": "demo"}, headers={HEADER.name: header})
        assert response.status_code in (200, 201)
        return str(response.json["id"])

    assert made('"8e03978e"') == made("8e03978e")
    assert made('"a\\"b\\\\c"') == made('a"b\\c') != made('"8e03978e"')


@pytest.mark.parametrize(
    "key",
    ["", '""', '"', '"a', '"a"b', '"a";q=1', '"a\\b"', '"two words"', "k" * 201, "two words", "ü"],
)
@pytest.mark.parametrize("route", ["jobs", "tasks", "retry"])
def test_a_header_that_is_malformed_is_refused(
    http: Http, ledger: FadingLedger, route: str, key: str
) -> None:
    """400, and nothing is made."""
    path = f"/jobs/{failed(ledger).id}/retry" if route == "retry" else f"/{route}"
    body = {"task": "demo"} if route == "jobs" else {}
    before = http.get("/jobs").json
    response = http.post(path, body, headers={HEADER.name: key})
    assert HEADER.name in problem(response, 400, "bad_request")["detail"]
    assert http.get("/jobs").json == before


def test_the_same_key_with_another_body_is_refused(http: Http) -> None:
    """422, and the first job is as it was."""
    key = {HEADER.name: '"mine"'}
    first = http.post("/jobs", {"task": "demo"}, headers=key).json
    other = {"task": "demo", "arguments": {"name": "Ada"}}
    assert problem(http.post("/jobs", other, headers=key), 422, "key_reused")["key"] == "mine"
    assert http.post("/jobs", {"task": "demo"}, headers=key).json["id"] == first["id"]


@pytest.mark.parametrize(
    "key", ["a", '"a"', '"a\\"b"', "a'b;c", 'a"', "", '"a', "a b", '"\\n"', "ü"]
)
def test_the_document_tells_a_key_from_what_is_none(http: Http, key: str) -> None:
    """Its pattern is what the server goes by."""
    response = http.post("/jobs", {"task": "demo"}, headers={HEADER.name: key})
    assert (response.status_code < 300) == bool(re.search(HEADER.pattern, key))
