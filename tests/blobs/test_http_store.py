"""Blobs over HTTP, from and to a real server process."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import urllib3
from blob_server import OWNER, BlobServer, Wire
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from taskkit.blobs import FolderStore, digest_of
from taskkit.blobs import http as http_module
from taskkit.blobs.cache import Cache
from taskkit.blobs.http import HttpStore
from taskkit.blobs.patience import TRIES
from taskkit.blobs.probe import KEPT_S, accept, offer
from taskkit.blobs.sharing import client_store
from taskkit.protocol.errors import (
    BlobDamaged,
    BlobNotFound,
    DecodeError,
    NotReachable,
    PayloadTooLarge,
    TaskkitError,
)

CONTENT = bytes(range(256)) * 20_000
DIGEST = digest_of(CONTENT)


@pytest.fixture
def kept(server: BlobServer) -> Iterator[FolderStore]:
    """The server's own store, empty."""
    store = FolderStore(server.folder / OWNER)
    yield store
    store.delete([blob.digest for blob in store.listing()])
    store.sweep(older_than_s=-1)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    """The client's copies."""
    return Cache(tmp_path / "cache")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a blob go in five parts."""
    monkeypatch.setattr(http_module, "PART_BYTES", len(CONTENT) // 5 + 1)


class Cut(Wire):
    """Loses the connection of some requests: before they are sent, or with their answer."""

    def __init__(
        self, url: str, *, before: tuple[int, ...] = (), after: tuple[int, ...] = ()
    ) -> None:
        super().__init__(url)
        self._before, self._after = before, after
        self.transfers = 0

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: Any = None
    ) -> urllib3.BaseHTTPResponse:
        if method not in ("PUT", "GET"):
            return super().send(method, path, headers, body)
        self.transfers += 1
        if self.transfers in self._before:
            raise NotReachable("cut before it was sent")
        answer = super().send(method, path, headers, body)
        if self.transfers in self._after:
            answer.read()
            raise NotReachable("the answer was lost")
        return answer


def test_what_is_sent_is_received(server: BlobServer, kept: FolderStore, cache: Cache) -> None:
    """By another client, with a cache of its own."""
    store = HttpStore(Wire(server.url), cache)
    assert store.missing([DIGEST]) == [DIGEST]
    store.write(DIGEST, CONTENT)
    assert store.missing([DIGEST, digest_of(b"")]) == [digest_of(b"")]
    assert kept.read(DIGEST, is_checked=True) == CONTENT
    mine = store.read(DIGEST, size_bytes=len(CONTENT), is_checked=True)
    assert mine == CONTENT
    mine[:] = bytes(len(CONTENT))
    assert store.read(DIGEST) == CONTENT


@pytest.mark.parametrize("content", [b"", b"x", [b"ab", b"", b"c"]])
def test_small_content_and_pieces_are_sent_too(
    server: BlobServer, kept: FolderStore, cache: Cache, content: Any
) -> None:
    """And received."""
    whole = content if isinstance(content, bytes) else b"".join(content)
    HttpStore(Wire(server.url), cache).write(digest_of(whole), content)
    cache.delete([digest_of(whole)])
    assert HttpStore(Wire(server.url), cache).read(digest_of(whole), is_checked=True) == whole


def test_what_was_just_made_is_sent_once(
    server: BlobServer, kept: FolderStore, cache: Cache
) -> None:
    """Under its digest; not where the server has it."""
    wire = Wire(server.url)
    store = HttpStore(wire, cache)
    assert store.keep(CONTENT) == DIGEST
    assert kept.read(DIGEST, is_checked=True) == CONTENT
    before = len(wire.asked)
    assert store.keep(CONTENT) == DIGEST
    assert [path for _, path, *_ in wire.asked[before:]] == ["/blobs/missing"]


def test_a_blob_that_is_there_is_not_sent_again(
    server: BlobServer, kept: FolderStore, cache: Cache
) -> None:
    """Whatever the caller says its content is."""
    kept.write(DIGEST, CONTENT)
    wire = Wire(server.url)
    HttpStore(wire, cache).write(DIGEST, CONTENT)
    assert [method for method, *_ in wire.asked] == ["HEAD"]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("n", [1, 2, 3, 5])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_upload_goes_on_where_it_was_cut(
    server: BlobServer, kept: FolderStore, cache: Cache, n: int, when: str
) -> None:
    """No part that had come is sent again, also where only the answer was lost."""
    wire = Cut(server.url, **{when: (n,)})  # type: ignore[arg-type]
    pauses: list[float] = []
    HttpStore(wire, cache, pause=pauses.append).write(DIGEST, CONTENT)
    assert kept.read(DIGEST, is_checked=True) == CONTENT
    offsets = [
        int(headers["Upload-Offset"]) for method, _, headers in wire.asked if method == "PUT"
    ]
    assert offsets == sorted(set(offsets))
    assert len(offsets) == 5
    assert len(pauses) == 1


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, len(CONTENT)), st.integers(0, len(CONTENT)))
@example(sent=len(CONTENT), received=len(CONTENT))
@example(sent=0, received=0)
def test_transfers_go_on_from_any_byte(
    server: BlobServer, kept: FolderStore, cache: Cache, sent: int, received: int
) -> None:
    """There and back."""
    for store in (kept, cache):
        store.delete([DIGEST])
        store.partial(DIGEST).drop()
    kept.partial(DIGEST).append(0, CONTENT[:sent])
    wire = Wire(server.url)
    HttpStore(wire, cache).write(DIGEST, CONTENT)
    [start] = [
        int(headers["Upload-Offset"]) for method, _, headers in wire.asked if method == "PUT"
    ]
    assert start == sent
    cache.partial(DIGEST).append(0, CONTENT[:received])
    assert HttpStore(wire, cache).read(DIGEST, is_checked=True) == CONTENT
    if received:
        assert wire.asked[-1][2]["Range"] == f"bytes={received}-"


def test_a_connection_that_is_always_cut_is_given_up(server: BlobServer, cache: Cache) -> None:
    """After tries with longer and longer pauses; the error says why."""
    wire = Cut(server.url, before=tuple(range(1, 100)))
    pauses: list[float] = []
    store = HttpStore(wire, cache, pause=pauses.append)
    with pytest.raises(NotReachable, match="cut before"):
        store.write(DIGEST, CONTENT)
    assert wire.transfers == TRIES
    assert pauses == sorted(pauses)
    with pytest.raises(NotReachable, match="cut before"):
        store.read(DIGEST)


@pytest.mark.usefixtures("small_parts")
def test_a_server_that_is_killed_and_started_again_loses_nothing(
    tmp_path: Path, cache: Cache
) -> None:
    """What had come is on its disk."""
    server = BlobServer(tmp_path / "restarted")
    (tmp_path / "restarted").mkdir()
    server.start()

    class Killing(Cut):
        def send(self, *args: Any) -> urllib3.BaseHTTPResponse:
            if self.transfers == 3:
                self.transfers += 1
                server.kill()
            return super().send(*args)

    wire = Killing(server.url)
    try:
        HttpStore(wire, cache, pause=lambda _: server.start()).write(DIGEST, CONTENT)
        offsets = [int(h["Upload-Offset"]) for method, _, h in wire.asked if method == "PUT"]
        assert offsets == sorted(offsets)
        store = FolderStore(server.folder / OWNER)
        assert store.read(DIGEST, is_checked=True) == CONTENT
    finally:
        server.kill()


def test_two_clients_that_send_the_same_blob_both_succeed(
    server: BlobServer, kept: FolderStore, tmp_path: Path, small_parts: None
) -> None:
    """Whoever finds the other further on goes on from there."""
    barrier, failed = threading.Barrier(4), []

    def send(n: int) -> None:
        store = HttpStore(Wire(server.url), Cache(tmp_path / str(n)))
        barrier.wait(30)
        try:
            store.write(DIGEST, CONTENT)
        except TaskkitError as error:
            failed.append(error)

    senders = [threading.Thread(target=send, args=(n,)) for n in range(4)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    assert failed == []
    assert kept.read(DIGEST, is_checked=True) == CONTENT


def test_content_that_is_not_what_it_is_called_is_refused(
    server: BlobServer, kept: FolderStore, cache: Cache
) -> None:
    """By the server, which keeps nothing of it."""
    store = HttpStore(Wire(server.url), cache, pause=lambda _: None)
    with pytest.raises(BlobDamaged, match="did not arrive as it was sent"):
        store.write(DIGEST, CONTENT[:-1] + b"?")
    assert kept.missing([DIGEST]) == [DIGEST]
    assert kept.partial(DIGEST).offset() == 0


def test_what_is_damaged_at_the_server_does_not_come_into_the_cache(
    server: BlobServer, kept: FolderStore, cache: Cache
) -> None:
    """The client judges what it got."""
    kept.write(DIGEST, CONTENT)
    with (kept.folder / DIGEST[:2] / DIGEST).open("r+b") as file:
        file.write(b"?")
    with pytest.raises(BlobDamaged, match="did not arrive"):
        HttpStore(Wire(server.url), cache, pause=lambda _: None).read(DIGEST)
    assert cache.missing([DIGEST]) == [DIGEST]


def test_what_is_too_large_is_not_even_sent(
    server: BlobServer, kept: FolderStore, cache: Cache
) -> None:
    """It says how large it is and how large it may be."""
    content = bytes(64 * 2**20 + 1)
    wire = Wire(server.url)
    with pytest.raises(PayloadTooLarge, match=r"takes 64 MiB; the server takes 64 MiB at most"):
        HttpStore(wire, cache).write(digest_of(content), content)
    assert [method for method, *_ in wire.asked] == ["HEAD"]


@pytest.mark.parametrize(
    ("status", "headers"),
    [(204, {}), (206, {"Content-Range": "bytes */9"}), (206, {"Content-Range": "lines 1-2/9"})],
)
def test_an_answer_that_does_not_say_enough_is_no_servers(
    cache: Cache, status: int, headers: dict[str, str]
) -> None:
    """It is not asked again and again."""

    class Vague:
        def send(self, *args: Any) -> urllib3.BaseHTTPResponse:
            return urllib3.HTTPResponse(b"", headers, status, preload_content=False)

    store = HttpStore(Vague(), cache, pause=lambda _: pytest.fail("tried again"))
    with pytest.raises(DecodeError, match="the server"):
        store.write(DIGEST, CONTENT) if status == 204 else store.read(DIGEST)


def test_what_the_server_does_not_have_is_not_found(server: BlobServer, cache: Cache) -> None:
    """At once."""
    wire = Wire(server.url)
    with pytest.raises(BlobNotFound, match=DIGEST):
        HttpStore(wire, cache).read(DIGEST)
    assert len(wire.asked) == 1


def test_a_client_with_the_servers_disk_uses_it(server: BlobServer, cache: Cache) -> None:
    """Nothing goes over HTTP then."""
    store = client_store(Wire(server.url), cache.folder)
    assert isinstance(store, FolderStore)
    assert store.folder == server.folder / OWNER


def test_a_client_that_cannot_see_the_servers_file_uses_http(
    server: BlobServer, cache: Cache
) -> None:
    """As one on another machine."""

    class Elsewhere(Wire):
        def send(self, *args: Any) -> Any:
            answer = super().send(*args)
            for path in (server.folder / OWNER).glob(".probe-*"):
                path.unlink()
            return answer

    assert isinstance(client_store(Elsewhere(server.url), cache.folder), HttpStore)


def test_a_probe_is_believed_only_where_all_of_it_fits(tmp_path: Path) -> None:
    """The file, its content, and a folder that is the user's own."""
    store = FolderStore(tmp_path / "blobs")
    probe = offer(store)
    found = accept(probe)
    assert found is not None
    assert found.folder == store.folder
    assert accept({**probe, "content": "0" * 32}) is None
    assert accept({**probe, "content": ""}) is None
    assert accept({**probe, "name": ".probe-other"}) is None
    assert accept({**probe, "name": f"../blobs/{probe['name']}"}) is None
    (store.folder / ".probe-folder").mkdir()
    assert accept({**probe, "name": f".probe-folder/../{probe['name']}"}) is None
    assert accept({**probe, "folder": "blobs"}) is None
    assert accept({}) is None
    assert accept({**probe, "folder": 7}) is None
    store.folder.chmod(0o770)
    assert accept(probe) is None
    store.folder.chmod(0o700)
    (tmp_path / "link").symlink_to(store.folder)
    assert accept({**probe, "folder": str(tmp_path / "link")}) is None


def test_old_probes_go(tmp_path: Path) -> None:
    """They were looked at long ago."""
    store = FolderStore(tmp_path / "blobs")
    old, young = (offer(store) for _ in range(2))
    then = time.time() - KEPT_S - 1
    os.utime(store.folder / old["name"], (then, then))
    offer(store)
    assert accept(old) is None
    assert accept(young) is not None


def test_a_proxy_without_a_server_is_a_cut(
    server: BlobServer, kept: FolderStore, cache: Cache
) -> None:
    """A server that is restarted behind it costs a pause, no transfer."""
    away = [502, 504, 503]

    class Proxy(Wire):
        def send(
            self, method: str, path: str, headers: Mapping[str, str], body: Any = None
        ) -> urllib3.BaseHTTPResponse:
            if method in ("PUT", "GET") and away:
                page = io.BytesIO(b"<h1>Bad Gateway</h1>")
                return urllib3.HTTPResponse(page, status=away.pop(), preload_content=False)
            return super().send(method, path, headers, body)

    pauses: list[float] = []
    HttpStore(Proxy(server.url), cache, pause=pauses.append).write(DIGEST, CONTENT)
    assert kept.read(DIGEST, is_checked=True) == CONTENT
    assert len(pauses) == 3
    away += [502]
    cache.delete([DIGEST])
    assert HttpStore(Proxy(server.url), cache, pause=pauses.append).read(DIGEST) == CONTENT
