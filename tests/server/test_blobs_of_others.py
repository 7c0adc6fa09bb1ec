"""Large values of all users, for a worker on another host that fetches them from the server."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from serving import FadingLedger, Http, RecordingDispatch, problem

from taskkit.blobs import digest_of
from taskkit.protocol.tokens import OWNER_HEADER
from taskkit_server.app import create_app
from taskkit_server.settings import Settings

CONTENT = b"a large value" * 10
DIGEST = digest_of(CONTENT)


@pytest.fixture
def app(tmp_path: Path, ledger: FadingLedger, dispatch: RecordingDispatch) -> Flask:
    """A server that keeps blobs, of which a user may have 150 bytes."""
    settings = Settings(
        redis_url="redis://nowhere",
        token="root",
        blobs=str(tmp_path),
        max_stored_bytes=150,
        requests_per_s=1.0,
    )
    return create_app(settings, ledger, dispatch)  # type: ignore[arg-type]


def user(app: Flask, name: str, *scopes: str) -> Http:
    """Return what asks with a token of a user."""
    made = Http(app, "root").post("/tokens", {"user": name, "scopes": list(scopes)})
    return Http(app, made.json["token"])


def test_a_worker_s_token_fetches_and_keeps_the_values_of_all(app: Flask) -> None:
    """Each in its owner's store; and opens nothing else at all."""
    ana, worker = user(app, "ana", "submit", "read"), user(app, "gpu1", "blobs")
    assert ana.ask("PUT", f"/blobs/{DIGEST}", data=CONTENT).status_code == 201
    of_ana, of_bob = {OWNER_HEADER: "ana"}, {OWNER_HEADER: "bob"}
    assert worker.get(f"/blobs/{DIGEST}", headers=of_ana).data == CONTENT
    problem(worker.get(f"/blobs/{DIGEST}", headers=of_bob), 404, "blob_not_found")
    result = b"a result" * 15
    put = worker.ask("PUT", f"/blobs/{digest_of(result)}", data=result, headers=of_ana)
    assert put.status_code == 201, "the work is done, so that its result is kept beyond the limit"
    assert ana.get(f"/blobs/{digest_of(result)}").data == result
    for route in ("/jobs", "/events", f"/blobs/{DIGEST}"):
        assert problem(worker.get(route), 403, "forbidden")["scope"] == "read"
    problem(worker.get("/jobs", headers=of_ana), 403, "forbidden")


def test_nobody_else_sees_the_values_of_another(app: Flask) -> None:
    """The header without the scope is refused, to any user; one's own name changes nothing."""
    ana, eve = (
        user(app, "ana", "submit", "read"),
        user(app, "eve", "submit", "read", "cancel", "code"),
    )
    ana.ask("PUT", f"/blobs/{DIGEST}", data=CONTENT)
    of_ana = {OWNER_HEADER: "ana"}
    for answer in (
        eve.get(f"/blobs/{DIGEST}", headers=of_ana),
        eve.ask("PUT", f"/blobs/{DIGEST}", data=CONTENT, headers=of_ana),
        eve.post("/blobs/missing", {"digests": [DIGEST]}, headers=of_ana),
    ):
        assert problem(answer, 403, "forbidden")["scope"] == "blobs"
    assert ana.get(f"/blobs/{DIGEST}", headers=of_ana).data == CONTENT


@pytest.mark.parametrize("name", ["../ana", "Ana", "", "a/b"])
def test_an_owner_is_a_user_s_name(app: Flask, name: str) -> None:
    """What would lead out of the folder of blobs is refused before it is looked for."""
    worker = user(app, "gpu1", "blobs")
    problem(worker.get(f"/blobs/{DIGEST}", headers={OWNER_HEADER: name}), 422, "invalid_request")


def test_a_worker_is_not_slowed_down_as_users_are(app: Flask) -> None:
    """It asks for those of all."""
    worker = user(app, "gpu1", "blobs")
    answers = [worker.get(f"/blobs/{DIGEST}", headers={OWNER_HEADER: "ana"}) for _ in range(30)]
    assert {answer.status_code for answer in answers} == {404}
