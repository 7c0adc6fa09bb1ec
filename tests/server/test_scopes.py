"""What each token may do, and that nobody sees anything of another user's."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from serving import FadingLedger, Http, RecordingDispatch, problem, queued

from taskkit.blobs import digest_of as blob_digest
from taskkit.ledger import StoredResult
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.jobs import ErrorInfo, JobState, ResultInfo
from taskkit.protocol.tokens import Scope
from taskkit_server import clock
from taskkit_server.access import auth as auth_module
from taskkit_server.access import trusted
from taskkit_server.access.auth import ALSO, NEEDED
from taskkit_server.app import create_app
from taskkit_server.settings import Settings

Made = tuple[str, Http]


@pytest.fixture
def app(tmp_path: Any, ledger: FadingLedger, dispatch: RecordingDispatch) -> Flask:
    """A server that keeps blobs, too."""
    settings = Settings(redis_url="redis://nowhere", token="root", blobs=str(tmp_path))
    return create_app(settings, ledger, dispatch)  # type: ignore[arg-type]


@pytest.fixture
def root(app: Flask) -> Http:
    """Who runs the server."""
    return Http(app, "root")


@pytest.fixture
def user(app: Flask, root: Http) -> Callable[..., Made]:
    """Make a token of a user; return its id, and what asks with it."""

    def make(name: str, *scopes: str, **more: Any) -> Made:
        body = {"user": name, **({"scopes": list(scopes)} if scopes else {}), **more}
        made = root.post("/tokens", body)
        assert made.status_code == 201, made.text
        return made.json["id"], Http(app, made.json["token"])

    return make


def test_a_token_opens_its_user_s_jobs(
    user: Callable[..., Made], ledger: FadingLedger, root: Http
) -> None:
    """It is told once, and lists as itself without its secret."""
    id, ana = user("ana", note="laptop")
    hello = ana.get("/hello").json
    assert (hello["owner"], hello["scopes"]) == ("ana", ["cancel", "read", "submit"])
    job = ana.post("/jobs", {"task": "demo"}).json
    assert [one["id"] for one in ana.get("/jobs").json["jobs"]] == [job["id"]]
    assert root.get("/jobs").json["jobs"] == []
    [listed] = ana.get("/tokens").json["tokens"]
    assert (listed["id"], listed["user"], listed["note"]) == (id, "ana", "laptop")
    assert listed["used_at"] is not None
    assert "token" not in listed


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "user"),
        ({"user": "Ana"}, "user"),
        ({"user": "a b"}, "user"),
        ({"user": "../etc"}, "user"),
        ({"user": "ana", "scopes": []}, "scopes"),
        ({"user": "ana", "scopes": ["root"]}, "scopes.0"),
        ({"user": "ana", "expires_s": 0}, "expires_s"),
        ({"user": "ana", "expires_s": 1e99}, "expires_s"),
        ({"user": "ana", "note": "x" * 999}, "note"),
        ({"user": "ana", "more": 1}, "more"),
        ([], "body"),
    ],
)
def test_what_is_no_token_is_refused(root: Http, body: Any, field: str) -> None:
    """Each fault by the name of its field."""
    found = problem(root.post("/tokens", body), 422, "invalid_request")
    assert field in found["fields"]


def test_an_expired_token_opens_nothing(
    user: Callable[..., Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says so, unlike one that nobody knows."""
    _, ana = user("ana", expires_s=60)
    assert ana.get("/jobs").status_code == 200
    later = clock.now_ms() + 61_000
    monkeypatch.setattr(auth_module, "now_ms", lambda: later)
    assert "expired" in problem(ana.get("/jobs"), 401, "unauthorized")["detail"]


def test_a_revoked_token_opens_nothing(
    user: Callable[..., Made], root: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its user may revoke it, whoever runs the server may, and no other user."""
    monkeypatch.setattr(trusted, "TRUSTED_S", 0.0)
    (first, ana), (second, _), (_, eve) = user("ana"), user("ana"), user("eve")
    problem(eve.ask("DELETE", f"/tokens/{first}"), 404, "token_not_found")
    assert ana.ask("DELETE", f"/tokens/{first}").status_code == 204
    problem(ana.get("/jobs"), 401, "unauthorized")
    assert root.ask("DELETE", f"/tokens/{second}").status_code == 204
    problem(root.ask("DELETE", f"/tokens/{second}"), 404, "token_not_found")
    assert eve.get("/jobs").status_code == 200


def test_only_who_runs_the_server_makes_tokens(user: Callable[..., Made], root: Http) -> None:
    """Others see their own; one with the scope `admin` does as well."""
    _, ana = user("ana")
    found = problem(ana.post("/tokens", {"user": "ana"}), 403, "forbidden")
    assert "taskkit token create --user ana --scope submit,read,cancel,admin" in found["detail"]
    assert [one["user"] for one in ana.get("/tokens").json["tokens"]] == ["ana"]
    _, helper = user("helper", "admin")
    assert helper.post("/tokens", {"user": "bob"}).status_code == 201
    assert len(helper.get("/tokens").json["tokens"]) == 3
    problem(helper.get("/jobs"), 403, "forbidden")


ASKED = {
    "jobs.post_jobs": ("POST", "/jobs", {"task": "demo"}),
    "jobs.post_tasks": ("POST", "/tasks", {"name": "x"}),
    "jobs.retry": ("POST", "/jobs/{id}/retry", {}),
    "jobs.delete_calls": ("DELETE", "/calls", None),
    "jobs.get_jobs": ("GET", "/jobs", None),
    "jobs.get_job": ("GET", "/jobs/{id}", None),
    "jobs.get_panel": ("GET", "/jobs/{id}/panel", None),
    "jobs.get_result": ("GET", "/jobs/{id}/result", None),
    "jobs.get_error": ("GET", "/jobs/{id}/error", None),
    "jobs.get_card": ("GET", "/jobs/{id}/card", None),
    "jobs.get_function": ("GET", "/jobs/{id}/function", None),
    "jobs.get_arguments": ("GET", "/jobs/{id}/arguments", None),
    "jobs.cancel": ("POST", "/jobs/{id}/cancel", {}),
    "output.get_output": ("GET", "/jobs/{id}/output", None),
    "blobs.post_missing": ("POST", "/blobs/missing", {"digests": []}),
    "blobs.put_blob": ("PUT", "/blobs/{blob}", None),
    "blobs.get_probe": ("GET", "/blobs/probe", None),
    "blobs.get_blob": ("GET", "/blobs/{blob}", None),
    "state.get_hello": ("GET", "/hello", None),
    "state.get_tasks": ("GET", "/tasks", None),
    "state.get_workers": ("GET", "/workers", None),
    "state.get_environment": ("GET", "/environments/" + 32 * "0", None),
    "state.get_queues": ("GET", "/queues", None),
    "state.get_counts": ("GET", "/counts", None),
    "state.get_events": ("GET", "/events", None),
    "tokens.post_token": ("POST", "/tokens", {"user": "bob"}),
    "tokens.get_tokens": ("GET", "/tokens", None),
    "tokens.delete_token": ("DELETE", "/tokens/0123", None),
    "metrics.get_metrics": ("GET", "/metrics", None),
    "shares.post_share": ("POST", "/shares", {"jobs": ["0" * 32]}),
    "shares.get_shares": ("GET", "/shares", None),
    "shares.delete_share": ("DELETE", "/shares/0123", None),
    "shares.get_shared": ("GET", "/shared", None),
}
BLOB = blob_digest(b"what ana sent")


def ask(http: Http, endpoint: str, id: str) -> Any:
    """Ask a route about a job."""
    method, path, body = ASKED[endpoint]
    data = None if body is None else json.dumps(body)
    return http.ask(method, path.format(id=id, blob=BLOB), data=data)


def test_each_route_needs_what_the_table_says(
    app: Flask, user: Callable[..., Made], ledger: FadingLedger
) -> None:
    """No more and no less, for each scope; whoever adds a route meets this test."""
    private = {rule.endpoint for rule in app.url_map.iter_rules()} - {
        "static",
        *(
            name
            for name in app.view_functions
            if name.startswith(("page.", "health.", "document."))
        ),
    }
    assert private == NEEDED.keys() == ASKED.keys()
    id = queued(ledger, owner="ana").id
    for scope in Scope:
        _, ana = user("ana", scope)
        for endpoint, needed in NEEDED.items():
            status = ask(ana, endpoint, id).status_code
            all_of_it = {needed, ALSO.get(endpoint)} - {None}
            assert (status == 403) == (not all_of_it <= {scope}), (scope, endpoint, status)


@pytest.fixture
def anas(ledger: FadingLedger) -> list[str]:
    """Jobs of hers in every state, one a state."""
    refs = [queued(ledger, owner="ana") for _ in range(5)]
    claims = [ledger.claim(ref, worker="lab-7-1f", pid=n) for n, ref in enumerate(refs[1:4])]
    leases = [claim.lease for claim in claims if claim is not None]
    info = ResultInfo(media_type="application/json", size_bytes=1)
    stored = StoredResult(media_type="application/json", body=b"1")
    ledger.finish(leases[1], JobSucceeded(result=info), stored)
    failure = JobFailed(error=ErrorInfo(type="ValueError", message="secret of ana's"))
    ledger.finish(leases[2], failure, stored)
    ledger.cancel(refs[4])
    return [ref.id for ref in refs]


def test_another_user_s_jobs_are_not_there(
    user: Callable[..., Made], ledger: FadingLedger, anas: list[str]
) -> None:
    """On no route, in no state: as if they did not exist; and nothing changes."""
    before = [ledger.job(ref) for ref in _refs(anas)]
    _, ana = user("ana", *Scope)
    assert ana.ask("PUT", f"/blobs/{BLOB}", data=b"what ana sent").status_code == 201
    _, eve = user("eve", *(scope for scope in Scope if scope is not Scope.ADMIN))
    for id in anas:
        for endpoint in ASKED:
            if "{id}" in ASKED[endpoint][1]:
                answer = ask(eve, endpoint, id)
                unknown = ask(eve, endpoint, "f" * 32)
                assert (answer.status_code, unknown.status_code) == (404, 404), endpoint
                assert answer.text.replace(id, "f" * 32) == unknown.text
    assert ask(eve, "blobs.get_blob", "").status_code == 404
    assert eve.post("/blobs/missing", {"digests": [BLOB]}).json["missing"] == [BLOB]
    assert eve.get("/jobs").json["jobs"] == []
    assert eve.get("/events?log=jobs").json["events"] == []
    assert set(eve.get("/counts").json["counts"].values()) == {0}
    assert ana.get("/counts").json["counts"] == dict.fromkeys(JobState, 1)
    assert all(worker["jobs"] == [] for worker in eve.get("/workers").json["workers"])
    assert "ana" not in eve.get("/tokens").text
    assert eve.post("/shares", {"jobs": anas}).status_code == 404
    assert eve.get("/shares").json["shares"] == []
    assert [ledger.job(ref) for ref in _refs(anas)] == before


def _refs(ids: list[str]) -> list[Any]:
    from taskkit.ledger import JobRef

    return [JobRef("ana", id) for id in ids]


def test_code_is_for_whom_it_is_given_to(user: Callable[..., Made], ledger: FadingLedger) -> None:
    """Others are told how to ask; what was shipped is not tried again by them either."""
    pickled = b"\x80\x05N."
    digest = sha256(pickled).hexdigest()
    job = {"task": "f", "function": digest, "payload": "gAVOLg==", "python": "3.11"}
    functions = {digest: base64.b64encode(pickled).decode()}
    body = {"jobs": [job], "functions": functions}
    _, ana = user("ana")
    found = problem(ana.post("/jobs", body), 403, "forbidden")
    assert "--user ana --scope submit,read,cancel,code" in found["detail"]
    assert found["scope"] == "code"
    assert ledger.function("ana", digest) is None
    _, trusted = user("ana", "submit", "code", "read", "cancel")
    id = trusted.post("/jobs", body).json["jobs"][0]["job"]["id"]
    assert trusted.post(f"/jobs/{id}/cancel").status_code == 200
    problem(ana.post(f"/jobs/{id}/retry"), 403, "forbidden")
    assert trusted.post(f"/jobs/{id}/retry").status_code == 201
