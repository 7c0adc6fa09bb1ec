"""Methods, media types and versions: what HTTP itself wants of every route."""

from __future__ import annotations

import pytest
from flask import Flask
from serving import FadingLedger, Http, problem, queued, succeeded

from taskkit.protocol import wire
from taskkit_server.contract.openapi import path_of, routes


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/jobs", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/hello", "GET, HEAD, OPTIONS"),
        ("TRACE", "/tasks", "GET, HEAD, OPTIONS, POST"),
        ("PATCH", f"/blobs/{'0' * 64}", "GET, HEAD, OPTIONS, PUT"),
        ("GET", f"/jobs/{'0' * 32}/cancel", "OPTIONS, POST"),
        ("PUT", "/blobs/missing", "OPTIONS, POST"),
        ("PUT", "/blobs/probe", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_is_not_served_is_told_those_that_are(
    http: Http, method: str, path: str, allowed: str
) -> None:
    """405, with Allow, also under the version."""
    for at in (path, f"/v1{path}"):
        response = http.ask(method, at)
        problem(response, 405, "method_not_allowed")
        assert response.headers["Allow"] == allowed


def test_every_route_tells_its_methods_and_answers_head_like_get(
    app: Flask, http: Http, ledger: FadingLedger
) -> None:
    """OPTIONS has Allow and no body; HEAD the status and headers of GET and no body."""
    id = succeeded(ledger, b"1").id
    seen = 0
    for rule, method, _ in routes(app):
        path = path_of(rule).format(id=id, digest="0" * 64)
        response = http.ask("OPTIONS", path)
        assert (response.status_code, response.data) == (200, b""), path
        assert method in response.headers["Allow"].split(", ")
        if method == "GET":
            get, head = http.get(path), http.ask("HEAD", path)
            assert (head.status_code, head.data) == (get.status_code, b""), path
            assert head.content_type == get.content_type
            seen += 1
    assert seen > 10


def test_what_is_not_accepted_is_not_done(http: Http) -> None:
    """406 before a job is made, with what could be had."""
    xml = {"Accept": "text/html, application/xml;q=0.9"}
    found = problem(http.post("/jobs", {"task": "demo"}, headers=xml), 406, "not_acceptable")
    assert wire.JSON in found["detail"]
    assert http.get("/jobs").json["jobs"] == []


@pytest.mark.parametrize("accept", ["*/*", "application/*", "text/html, */*;q=0.1", wire.JSON])
def test_what_is_accepted_is_done(http: Http, accept: str) -> None:
    """As a browser, curl and a program ask."""
    assert http.get("/jobs", headers={"Accept": accept}).status_code == 200


def test_a_pickle_is_not_given_to_whom_wants_json(http: Http, ledger: FadingLedger) -> None:
    """The message says what the result is."""
    pickled, plain = succeeded(ledger, b"\x80\x05N.", wire.PICKLE), succeeded(ledger, b"1")
    accept = {"Accept": wire.JSON}
    assert http.get(f"/jobs/{plain.id}/result", headers=accept).data == b"1"
    found = problem(http.get(f"/jobs/{pickled.id}/result", headers=accept), 406, "not_acceptable")
    assert wire.PICKLE in found["detail"]


def test_the_api_is_there_under_its_version_and_without(http: Http, ledger: FadingLedger) -> None:
    """The same routes; an address that is told has what was asked by."""
    id = queued(ledger).id
    assert http.get(f"/v1/jobs/{id}").data == http.get(f"/jobs/{id}").data
    assert http.get("/v1/hello").json["versions"] == ["v1"]
    made = http.post("/v1/jobs", {"task": "demo"})
    assert made.headers["Location"] == f"/v1/jobs/{made.json['id']}"
    assert http.get(made.headers["Location"]).json["id"] == made.json["id"]
    unversioned = http.post("/jobs", {"task": "demo"})
    assert unversioned.headers["Location"] == f"/jobs/{unversioned.json['id']}"


def test_the_version_opens_nothing(app: Flask) -> None:
    """The same token is wanted; pages are at one address."""
    stranger = Http(app, token=None)
    problem(stranger.get("/v1/jobs"), 401, "unauthorized")
    for path in ("/v1/", "/v1/docs", "/v1/static/app.js", "/v1/v1/health/live"):
        problem(stranger.get(path), 404, "no_such_route")
    assert stranger.get("/v1/health/live").status_code == 200


def test_another_version_is_told_which_one_is_spoken(http: Http) -> None:
    """404 that says so."""
    assert "v1, not v2" in problem(http.get("/v2/jobs"), 404, "no_such_route")["detail"]
