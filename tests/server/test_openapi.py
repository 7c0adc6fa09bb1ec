"""The document of the API: it has every route, nothing else, and what it says is so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from flask import Flask
from flask_openapi3.models import APISpec
from serving import FadingLedger, Http, failed, problem, queued, running, succeeded

from taskkit.protocol import PROTOCOL_VERSION, wire
from taskkit.protocol.errors import BY_CODE
from taskkit.protocol.events import OutputWritten
from taskkit_server.contract.openapi import PAGES, path_of, routes


@pytest.fixture
def document(http: Http) -> dict[str, Any]:
    """The document as it is served."""
    found: dict[str, Any] = http.get("/openapi.json").json
    return found


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what is documented, by method and path."""
    return {
        (method.upper(), path): operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_every_route_is_documented_and_everything_documented_is_a_route(
    app: Flask, document: dict[str, Any]
) -> None:
    """Whoever adds a route meets this test: note on its handler what it promises."""
    there = {(method, path_of(rule)) for rule, method, _ in routes(app)}
    assert operations(document).keys() == there
    others = {rule.endpoint.split(".")[0] for rule in app.url_map.iter_rules()} & PAGES
    assert others == {"page", "metrics"}
    assert ("GET", "/jobs/{id}/output") in there


def test_every_route_is_shown_by_curl(app: Flask) -> None:
    """In docs/rest.md, whose lines another test runs."""
    text = (Path(__file__).parents[2] / "docs" / "rest.md").read_text()
    written = set(re.findall(r"`([A-Z]+) (/[^`?]*)`", text))
    assert {(method, path_of(rule)) for rule, method, _ in routes(app)} <= written


def test_every_documented_operation_is_answered(
    http: Http, ledger: FadingLedger, document: dict[str, Any]
) -> None:
    """By a status and a content type that the document has, under the version it speaks of."""
    ids = {"get_error": failed(ledger, b"\x80").id, "retry": failed(ledger).id}
    values = {"digest": "0" * 64, "id": succeeded(ledger, b"1").id}
    bodies = {"/jobs": {"task": "demo"}, "/tokens": {"user": "ana"}}
    bodies["/blobs/missing"] = {"digests": []}
    for (method, path), operation in operations(document).items():
        name = operation["operationId"].split("_", 1)[1]
        at = path.format(**{**values, "id": ids.get(name, values["id"])})
        if "requestBody" in operation and method == "POST":
            response = http.post(f"/v1{at}", bodies.get(path, {}))
        else:
            response = http.ask(method, f"/v1{at}")
        answer = operation["responses"].get(str(response.status_code))
        assert answer is not None, (method, path, response.status_code)
        if response.data:
            assert response.mimetype in answer["content"], (method, path)


def test_what_is_answered_fits_its_schema(
    http: Http, ledger: FadingLedger, document: dict[str, Any]
) -> None:
    """Jobs in every state, lists, tasks, workers, tokens, events and problems."""
    lease = running(ledger)
    ledger.append(lease, 1, [OutputWritten(text="x")])
    refs = [lease.ref, queued(ledger), failed(ledger), succeeded(ledger, b"1")]
    http.post("/tokens", {"user": "ana", "expires_s": 60})
    paths = [f"/jobs/{ref.id}" for ref in refs]
    paths += [f"/jobs/{ref.id}/card" for ref in refs]
    paths += [
        "/jobs",
        "/jobs?limit=1",
        "/tasks",
        "/workers",
        "/queues",
        "/counts",
        "/tokens",
        "/events",
        "/hello",
    ]
    paths += [f"/jobs/{'0' * 32}", "/jobs?state=x"]
    for path in paths:
        response = http.get(path)
        plain = path.partition("?")[0]
        plain = re.sub("^/jobs/[0-9a-f]+", "/jobs/{id}", plain)
        answer = document["paths"][plain]["get"]["responses"][str(response.status_code)]
        schema = answer["content"][response.mimetype]["schema"]
        jsonschema.validate(response.json, {**schema, "components": document["components"]})
    job = document["components"]["schemas"]["JobRecord"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"id": 7}, {**job, "components": document["components"]})


def test_the_document_is_one(document: dict[str, Any]) -> None:
    """As another's reading of OpenAPI 3.1 has it, and with no reference that leads nowhere."""
    APISpec.model_validate(document)
    assert (document["openapi"], document["info"]["x-protocol"]) == ("3.1.0", PROTOCOL_VERSION)
    known = document["components"]["schemas"]
    text = json.dumps(document)
    for part in text.split('"$ref": "')[1:]:
        assert part.split('"')[0].removeprefix("#/components/schemas/") in known
    assert "#/$defs/" not in text
    names = [operation["operationId"] for operation in operations(document).values()]
    assert len(set(names)) == len(names)
    for operation in operations(document).values():
        assert operation["summary"]
        for answer in operation["responses"].values():
            for link in answer.get("links", {}).values():
                assert link["operationId"] in names


def test_problems_are_documented_by_their_codes(document: dict[str, Any]) -> None:
    """Each with the status that it has."""
    found: dict[str, int] = {}
    for operation in operations(document).values():
        for status, answer in operation["responses"].items():
            kind = answer.get("content", {}).get(wire.PROBLEM)
            if kind is not None:
                for code in kind["schema"]["allOf"][1]["properties"]["code"]["enum"]:
                    assert found.setdefault(code, int(status)) == int(status)
    travelling = {code for code, error in BY_CODE.items() if error.status != 500}
    own = {"not_acceptable", "unsupported_media_type", "range_not_satisfiable"}
    elsewhere = {
        "cannot_travel",
        "misconfigured",
        "no_such_route",
        "method_not_allowed",
        "offset_mismatch",
        "study_not_found",
        "study_changed",
    }
    assert found.keys() - own <= travelling
    assert travelling - found.keys() - elsewhere == set()


def test_what_wants_a_token_says_so(app: Flask, document: dict[str, Any]) -> None:
    """And what does not is answered without one."""
    stranger = Http(app, token=None)
    assert document["security"] == [{"token": []}]
    for (method, path), operation in operations(document).items():
        at = path.format(id="0" * 32, digest="0" * 64)
        is_open = operation.get("security") == []
        assert (stranger.ask(method, at).status_code == 401) != is_open, (method, path)
        assert ("401" in operation["responses"]) != is_open


def test_the_document_says_where_the_routes_are(http: Http, app: Flask) -> None:
    """As seen from both of its addresses; it needs no token, and is sent once."""
    stranger = Http(app, token=None)
    assert stranger.get("/openapi.json").json["servers"] == [{"url": "v1"}]
    assert stranger.get("/v1/openapi.json").json["servers"] == [{"url": "."}]
    tag = stranger.get("/openapi.json").headers["ETag"]
    again = stranger.get("/openapi.json", headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


def test_the_page_of_the_document_is_whole_and_confined(app: Flask) -> None:
    """Every file that it names is here, under the policy of all pages: no CDN, nothing inline."""
    stranger = Http(app, token=None)
    page = stranger.get("/docs")
    assert page.content_type == "text/html; charset=utf-8"
    names = [part.split('"')[0] for part in page.text.replace("href", "src").split('src="')[1:]]
    assert len(names) == 4
    for name in names:
        assert "//" not in name
        file = stranger.get(f"/{name}")
        assert (file.status_code, len(file.data) > 100) == (200, True), name
        policy = file.headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert policy == page.headers["Content-Security-Policy"]
    assert "<script>" not in page.text
    assert "<style" not in page.text
    for path in ("/docs/../../../etc/passwd", "/docs/__init__.py", "/docs/%2e%2e/__init__.py"):
        problem(stranger.get(path), 404, "no_such_route")
