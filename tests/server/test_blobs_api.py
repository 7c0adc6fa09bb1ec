"""Routes of blobs: uploads in parts, downloads by range, each owner for themselves."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from blob_server import OWNER, BlobServer, Wire
from disks import full
from flask import Flask
from serving import TOKEN, FadingLedger, Http, RecordingDispatch, problem
from waiting import wait_until

from taskkit.blobs import FolderStore, digest_of
from taskkit.blobs.cache import Cache
from taskkit.blobs.http import HttpStore
from taskkit.ledger import JobRef, MemoryTokens, StoredResult
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol.errors import Unauthorized
from taskkit.protocol.events import JobSucceeded
from taskkit.protocol.jobs import ResultInfo
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.tokens import ALL_SCOPES
from taskkit_server.access.auth import Auth, Identity
from taskkit_server.app import create_app
from taskkit_server.contract.problems import answer_errors
from taskkit_server.routes.blobs import PIECE_BYTES, BlobsApi
from taskkit_server.routes.owned_blobs import SWEEP_S, OwnedBlobs
from taskkit_server.settings import Settings

CONTENT = bytes(range(256)) * 100
DIGEST = digest_of(CONTENT)
PATH = f"/blobs/{DIGEST}"
LIMIT = 100_000


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A server that keeps small blobs."""
    return Settings(
        redis_url="redis://nowhere",
        token=TOKEN,
        blobs=str(tmp_path / "blobs"),
        max_blob_bytes=LIMIT,
    )


@pytest.fixture
def kept(tmp_path: Path) -> FolderStore:
    """What the server has of its owner."""
    return FolderStore(tmp_path / "blobs" / OWNER)


def part(start: int, end: int, *, is_last: bool = False) -> dict[str, Any]:
    """Return a request for a part of the content."""
    headers = {"Upload-Offset": str(start), "Upload-Complete": "?1" if is_last else "?0"}
    return {"data": CONTENT[start:end], "headers": headers}


def test_a_blob_is_put_at_once_and_got(http: Http, kept: FolderStore) -> None:
    """As by curl; its digest is its ETag."""
    made = http.ask("PUT", PATH, data=CONTENT)
    assert made.status_code == 201
    assert made.headers["Location"] == PATH
    assert made.headers["Upload-Complete"] == "?1"
    got = http.get(PATH)
    assert (got.status_code, got.data) == (200, CONTENT)
    assert got.headers["ETag"] == f'"{DIGEST}"'
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["Accept-Ranges"] == "bytes"
    assert "private" in got.headers["Cache-Control"]
    assert kept.read(DIGEST, is_checked=True) == CONTENT


def test_a_blob_put_again_is_answered_without_taking_it(http: Http, kept: FolderStore) -> None:
    """An upload whose answer was lost is simply sent again."""
    kept.write(DIGEST, CONTENT)
    again = http.ask("PUT", PATH, data=b"not even the same")
    assert (again.status_code, again.headers["Upload-Complete"]) == (204, "?1")
    assert http.get(PATH).data == CONTENT


def test_a_blob_is_put_in_parts(http: Http) -> None:
    """After each, HEAD says how much is here; nothing is served before it is whole."""
    for start, end in [(0, 10_000), (10_000, 10_000), (10_000, 25_000)]:
        answer = http.ask("PUT", PATH, **part(start, end))
        assert (answer.status_code, answer.headers["Upload-Complete"]) == (204, "?0")
        asked = http.ask("HEAD", PATH)
        assert asked.status_code == 204
        assert asked.headers["Upload-Offset"] == str(end)
        assert asked.headers["Upload-Complete"] == "?0"
        assert asked.headers["Upload-Limit"] == f"max-size={LIMIT}"
        assert asked.headers["Cache-Control"] == "no-store"
        problem(http.get(PATH), 404, "blob_not_found")
    assert http.ask("PUT", PATH, **part(25_000, 25_600, is_last=True)).status_code == 201
    asked = http.ask("HEAD", PATH)
    assert (asked.status_code, asked.data) == (200, b"")
    assert asked.headers["Content-Length"] == asked.headers["Upload-Offset"] == "25600"
    assert asked.headers["Upload-Complete"] == "?1"
    assert http.get(PATH).data == CONTENT


@pytest.mark.parametrize("start", [0, 999, 1001, 25_600])
def test_a_part_at_a_wrong_offset_is_refused(http: Http, start: int) -> None:
    """With the right one. Source: draft-ietf-httpbis-resumable-upload-10, "Upload Append"."""
    http.ask("PUT", PATH, **part(0, 1000))
    refused = http.ask("PUT", PATH, **part(start, 25_600, is_last=True))
    found = problem(refused, 409, "offset_mismatch")
    assert (found["expected_offset"], found["provided_offset"]) == (1000, start)
    assert refused.headers["Upload-Offset"] == "1000"
    assert http.ask("HEAD", PATH).headers["Upload-Offset"] == "1000"


def test_content_of_another_digest_is_refused_and_forgotten(http: Http, kept: FolderStore) -> None:
    """The upload begins anew."""
    problem(http.ask("PUT", PATH, data=CONTENT[::-1]), 422, "blob_damaged")
    assert http.ask("HEAD", PATH).status_code == 404
    assert http.ask("PUT", PATH, data=CONTENT).status_code == 201


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [("0-0", 0, 1), ("100-199", 100, 200), ("25000-", 25_000, 25_600), ("-7", 25_593, 25_600)],
)
def test_a_range_is_sent_alone(
    http: Http, kept: FolderStore, asked: str, start: int, end: int
) -> None:
    """Source: RFC 9110, section 14."""
    kept.write(DIGEST, CONTENT)
    headers = {"Range": f"bytes={asked}", "If-Range": f'"{DIGEST}"'}
    got = http.get(PATH, headers=headers)
    assert (got.status_code, got.data) == (206, CONTENT[start:end])
    assert got.headers["Content-Range"] == f"bytes {start}-{end - 1}/25600"
    assert got.headers["Content-Length"] == str(end - start)


def test_a_range_behind_the_end_is_said(http: Http, kept: FolderStore) -> None:
    """With the size."""
    kept.write(DIGEST, CONTENT)
    got = http.get(PATH, headers={"Range": "bytes=25600-"})
    problem(got, 416, "range_not_satisfiable")
    assert got.headers["Content-Range"] == "bytes */25600"


def test_what_the_client_has_is_not_sent_again(http: Http, kept: FolderStore) -> None:
    """By its ETag."""
    kept.write(DIGEST, CONTENT)
    got = http.get(PATH, headers={"If-None-Match": f'"{DIGEST}"'})
    assert (got.status_code, got.data) == (304, b"")


def test_an_empty_blob_is_one_too(http: Http) -> None:
    """Nobody forbids them."""
    path = f"/blobs/{digest_of(b'')}"
    assert http.ask("PUT", path, data=b"").status_code == 201
    assert http.get(path).data == b""
    assert http.ask("HEAD", path).headers["Content-Length"] == "0"


def test_missing_answers_what_is_not_here(http: Http, kept: FolderStore) -> None:
    """In the order of the question."""
    kept.write(DIGEST, CONTENT)
    others = [digest_of(b"b"), digest_of(b"a")]
    answer = http.post("/blobs/missing", {"digests": [others[0], DIGEST, others[1]]})
    assert answer.json == {"missing": others}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        [],
        {},
        {"digests": "x"},
        {"digests": ["../x"]},
        {"digests": [DIGEST.upper()]},
        {"digests": [DIGEST] * 10_001},
        {"digests": [], "more": 1},
    ],
    ids=lambda body: repr(body)[:30],
)
def test_a_question_that_is_none_is_refused(http: Http, body: object) -> None:
    """With what is wrong with it."""
    problem(http.post("/blobs/missing", body), 422, "invalid_request")


@pytest.mark.parametrize("name", ["x", DIGEST.upper(), DIGEST[:-1], "..%2F..%2Fetc"])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_what_is_no_digest_is_no_blob(http: Http, method: str, name: str) -> None:
    """No address leads out of the store."""
    answer = http.ask(method, f"/blobs/{name}")
    assert answer.status_code == 404
    assert answer.json["code"] in ("blob_not_found", "no_such_route")


@pytest.mark.parametrize(
    "headers",
    [
        {"Upload-Offset": "-1"},
        {"Upload-Offset": "1.5"},
        {"Upload-Offset": "9" * 30},
        {"Upload-Offset": "²"},
        {"Upload-Length": "all"},
        {"Upload-Complete": "yes"},
    ],
    ids=repr,
)
def test_headers_that_say_nothing_are_refused(http: Http, headers: dict[str, str]) -> None:
    """They are not guessed at."""
    problem(http.ask("PUT", PATH, data=b"x", headers=headers), 422, "invalid_request")


def test_a_blob_that_is_too_large_is_refused_before_it_is_taken(
    http: Http, kept: FolderStore
) -> None:
    """By the length it says, that of the request, or what has come."""
    for request in (
        {"data": b"x", "headers": {"Upload-Length": str(LIMIT + 1), "Upload-Complete": "?0"}},
        {"data": bytes(LIMIT + 1)},
    ):
        found = problem(http.ask("PUT", PATH, **request), 413, "payload_too_large")
        assert "MiB" in found["detail"]
    assert http.ask("HEAD", PATH).status_code == 404
    http.ask("PUT", PATH, data=bytes(LIMIT), headers={"Upload-Complete": "?0"})
    headers = {"Upload-Offset": str(LIMIT), "Upload-Complete": "?0"}
    refused = http.ask("PUT", PATH, data=b"x", headers=headers)
    problem(refused, 413, "payload_too_large")


def test_a_stream_that_does_not_end_is_refused(http: Http, kept: FolderStore) -> None:
    """Its length is not told beforehand; what has come is counted."""
    for size, status in [(LIMIT, 201), (LIMIT + 1, 413), (LIMIT + 2, 413), (3 * LIMIT, 413)]:
        content = bytes(size)
        answer = http.ask(
            "PUT",
            f"/blobs/{digest_of(content)}",
            input_stream=io.BytesIO(content),
            environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
        )
        assert answer.status_code == status, size
    assert "a blob may have" in problem(answer, 413, "payload_too_large")["detail"]


def test_a_blob_may_be_larger_than_other_requests(app: Flask, http: Http) -> None:
    """It is never in memory as a whole."""
    app.config["MAX_CONTENT_LENGTH"] = 1000
    assert http.ask("PUT", PATH, data=CONTENT).status_code == 201


def test_a_server_without_blobs_says_so(ledger: FadingLedger, dispatch: RecordingDispatch) -> None:
    """On each route."""
    settings = Settings(redis_url="redis://nowhere", token=TOKEN)
    http = Http(create_app(settings, ledger, dispatch))  # type: ignore[arg-type]
    for answer in (
        http.get(PATH),
        http.ask("PUT", PATH, data=CONTENT),
        http.get("/blobs/probe"),
        http.post("/blobs/missing", {"digests": []}),
    ):
        assert "keeps no blobs" in problem(answer, 404, "blob_not_found")["detail"]


def test_blobs_may_be_at_a_url(
    tmp_path: Path, ledger: FadingLedger, dispatch: RecordingDispatch
) -> None:
    """They come and go by way of the server's cache; nobody shares that disk."""
    settings = Settings(
        redis_url="redis://nowhere",
        token=TOKEN,
        blobs=f"memory:/{tmp_path}",
        blobs_cache=tmp_path / "cache",
    )
    assert str(tmp_path) not in repr(settings).replace(repr(settings.blobs_cache), "")
    http = Http(create_app(settings, ledger, dispatch))  # type: ignore[arg-type]
    assert http.get("/blobs/probe").json == {"probe": None}
    assert http.ask("PUT", PATH, **part(0, 10_000)).status_code == 204
    assert http.ask("HEAD", PATH).headers["Upload-Offset"] == "10000"
    assert http.ask("PUT", PATH, **part(10_000, 25_600, is_last=True)).status_code == 201
    Cache(tmp_path / "cache" / OWNER).delete([DIGEST])
    assert http.get(PATH, headers={"Range": "bytes=5-9"}).data == CONTENT[5:10]


def test_one_user_may_have_only_so_many_bytes(
    tmp_path: Path, ledger: FadingLedger, dispatch: RecordingDispatch
) -> None:
    """What does not fit is refused before it is sent; what workers put there is counted, too."""
    settings = Settings(
        redis_url="redis://nowhere",
        token=TOKEN,
        blobs=str(tmp_path),
        max_stored_bytes=60_000,
    )
    tokens = MemoryTokens()
    app = create_app(settings, ledger, dispatch, tokens)  # type: ignore[arg-type]
    stack, users = Http(app), {}
    for user in ("ana", "eve"):
        made = stack.post("/tokens", {"user": user, "scopes": ["submit", "read"]}).json
        users[user] = Http(app, made["token"])
    ana = users["ana"]
    assert ana.get("/blobs/probe").json == {"probe": None}
    FolderStore(tmp_path / "ana").write(digest_of(b"r" * 20_000), b"r" * 20_000)
    assert ana.ask("PUT", PATH, data=CONTENT).status_code == 201
    more = bytes(25_600)
    path = f"/blobs/{digest_of(more)}"
    refused = ana.ask("PUT", path, data=more)
    assert "do not fit" in problem(refused, 429, "quota_reached")["detail"]
    begun = ana.ask("PUT", path, data=b"", headers={"Upload-Length": "25600"})
    assert begun.status_code == 429
    assert users["eve"].ask("PUT", path, data=more).status_code == 201
    assert stack.ask("PUT", path, data=more).status_code == 201


class TwoOwners(Auth):
    """Knows ada's token and eve's."""

    def identity(self, token: str | None, address: str | None) -> Identity:
        if token not in ("ada", "eve"):
            raise Unauthorized()
        return Identity(token, ALL_SCOPES)


def test_nobody_sees_anothers_blobs(tmp_path: Path) -> None:
    """Neither whole nor half, not even that they are there."""
    app = Flask("owners")
    answer_errors(app)
    auth = TwoOwners(Settings(redis_url=""), MemoryTokens())
    app.register_blueprint(
        BlobsApi(OwnedBlobs(MemoryLedger(), str(tmp_path)), LIMIT).blueprint(auth)
    )
    ada, eve = Http(app, "ada"), Http(app, "eve")
    half = f"/blobs/{digest_of(b'half')}"
    assert ada.ask("PUT", PATH, data=CONTENT).status_code == 201
    ada.ask("PUT", half, data=b"ha", headers={"Upload-Complete": "?0"})
    problem(eve.get(PATH), 404, "blob_not_found")
    assert eve.ask("HEAD", PATH).status_code == 404
    assert eve.ask("HEAD", half).status_code == 404
    assert eve.post("/blobs/missing", {"digests": [DIGEST]}).json == {"missing": [DIGEST]}
    assert eve.get("/blobs/probe").json["probe"]["folder"] == str(tmp_path / "eve")
    assert ada.get(PATH).data == CONTENT


def test_half_uploads_are_swept_now_and_then(tmp_path: Path) -> None:
    """When they are a day old, at the next request after an hour."""
    now = [0.0]
    stores = OwnedBlobs(MemoryLedger(), str(tmp_path), clock=lambda: now[0])
    partial = stores.of("ada").partial(DIGEST)
    partial.append(0, b"half")
    [half] = (tmp_path / "ada" / DIGEST[:2]).iterdir()
    os.utime(half, (1, 1))
    stores.of("ada")
    assert partial.offset() == 4
    now[0] = SWEEP_S
    stores.of("ada")
    assert partial.offset() == 0


def test_blobs_that_no_job_needs_go_when_they_are_old(tmp_path: Path) -> None:
    """Those of a submission and of a result stay for as long as those do."""
    now_ms = [1_790_000_000_000]
    ledger = MemoryLedger(clock=lambda: now_ms[0], retention_s=10.0)
    contents = {digest_of(text): text for text in (b"given", b"returned", b"nobody's")}
    given, returned, nobodys = contents
    clock = [0.0]
    stores = OwnedBlobs(ledger, str(tmp_path), clock=lambda: clock[0], young_s=100.0)
    store = stores.of("ada")
    for digest, content in contents.items():
        store.write(digest, content)
    [made] = ledger.submit("ada", [("k", JobSpec(task="demo", blobs=(given,)))])
    claim = ledger.claim(JobRef("ada", made.record.id), worker="w", pid=1)
    assert claim is not None
    outcome = JobSucceeded(result=ResultInfo(media_type="x", size_bytes=1))
    result = StoredResult(media_type="x", body=b"", blobs=(returned,))
    now_ms[0] += 15_000
    ledger.finish(claim.lease, outcome, result)

    def kept() -> set[str]:
        clock[0] += SWEEP_S
        stores.of("ada")
        return {blob.digest for blob in store.listing()}

    assert kept() == {given, returned, nobodys}  # young
    for digest in contents:
        os.utime(tmp_path / "ada" / digest[:2] / digest, (1, 1))
    assert kept() == {given, returned}
    now_ms[0] += 6_000
    assert kept() == {returned}
    now_ms[0] += 6_000
    assert kept() == set()


def test_a_full_disk_is_answered_with_when_to_come_again(
    disk: Path, ledger: FadingLedger, dispatch: RecordingDispatch
) -> None:
    """What was asked of it before still is; with room, the upload succeeds."""
    settings = Settings(redis_url="redis://nowhere", token=TOKEN, blobs=str(disk / "blobs"))
    http = Http(create_app(settings, ledger, dispatch))  # type: ignore[arg-type]
    assert http.ask("PUT", PATH, data=CONTENT).status_code == 201
    headers = {"Upload-Length": str(40 * 2**20), "Upload-Complete": "?0"}
    path = f"/blobs/{digest_of(b'what would leave the ledger no room')}"
    problem(http.ask("PUT", path, data=b"what", headers=headers), 507, "disk_full")
    assert http.ask("HEAD", path).status_code == 404
    large = bytes(2**20)
    path = f"/blobs/{digest_of(large)}"
    with full(disk):
        refused = http.ask("PUT", path, data=large)
        problem(refused, 507, "disk_full")
        assert int(refused.headers["Retry-After"]) > 0
        assert http.get(PATH).data == CONTENT
    assert http.ask("PUT", path, data=large).status_code == 201


LARGE = bytes(range(256)) * (6 * PIECE_BYTES // 256)
LARGE_DIGEST = digest_of(LARGE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlobServer]:
    """A real server process."""
    running = BlobServer(tmp_path_factory.mktemp("server"))
    running.start()
    yield running
    running.kill()


@pytest.mark.parametrize("is_last", ["?0", "?1"])
def test_an_upload_that_is_cut_midway_goes_on(
    server: BlobServer, tmp_path: Path, is_last: str
) -> None:
    """What had come is kept; a part that was cut never counts as the last."""
    content = LARGE + is_last.encode()
    digest = digest_of(content)
    sent = 3 * PIECE_BYTES + 12_345
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(
            f"PUT /blobs/{digest} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(content)}\r\n"
            f"Upload-Offset: 0\r\nUpload-Complete: {is_last}\r\n\r\n".encode()
        )
        connection.sendall(content[:sent])
    wire = Wire(server.url)

    def offset() -> int:
        answer = wire.send("HEAD", f"/blobs/{digest}", {})
        answer.drain_conn()
        assert answer.headers["Upload-Complete"] == "?0"
        return int(answer.headers["Upload-Offset"])

    wait_until(lambda: offset() == sent)
    HttpStore(wire, Cache(tmp_path)).write(digest, content)
    [start] = [headers["Upload-Offset"] for method, _, headers in wire.asked if method == "PUT"]
    assert int(start) == sent
    assert FolderStore(server.folder / OWNER).read(digest, is_checked=True) == content


def test_a_client_that_has_gone_silent_holds_nobody_up(server: BlobServer, tmp_path: Path) -> None:
    """Its connection may stay open for long; another sends the blob meanwhile."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(
            f"PUT /blobs/{LARGE_DIGEST} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(LARGE)}\r\n"
            "Upload-Offset: 0\r\nUpload-Complete: ?1\r\n\r\n".encode()
        )
        connection.sendall(LARGE[: PIECE_BYTES + 1])
        store = FolderStore(server.folder / OWNER)
        wait_until(lambda: store.partial(LARGE_DIGEST).offset() >= PIECE_BYTES)
        HttpStore(Wire(server.url), Cache(tmp_path)).write(LARGE_DIGEST, LARGE)
        assert store.read(LARGE_DIGEST, is_checked=True) == LARGE
        connection.sendall(LARGE[PIECE_BYTES + 1 :])
        assert connection.recv(100).startswith(b"HTTP/1.1 201 ")
    assert store.read(LARGE_DIGEST, is_checked=True) == LARGE


def test_an_upload_may_come_without_its_length(server: BlobServer) -> None:
    """In chunks. Source: RFC 9112, section 7.1."""
    content = b"streamed" * 1000
    answer = Wire(server.url).send(
        "PUT", f"/blobs/{digest_of(content)}", {"Transfer-Encoding": "chunked"}, iter([content])
    )
    assert answer.status == 201
    assert FolderStore(server.folder / OWNER).read(digest_of(content)) == content
