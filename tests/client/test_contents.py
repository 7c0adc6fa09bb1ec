"""The bytes of figures are brought once, and asked for again while the server is away."""

from __future__ import annotations

import threading
from base64 import b64encode
from pathlib import Path

import pytest
from waiting import wait_until

from taskkit.blobs import FolderStore, digest_of
from taskkit.client import displayed as module
from taskkit.client.displayed import Contents
from taskkit.protocol.errors import BlobNotFound, NotReachable
from taskkit.protocol.jobs import Figure

DATA = b"\x89PNG data"


class Store(FolderStore):
    """Counts reads, holds them up, or is away."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.reads = 0
        self.is_away = False
        self.may_answer = threading.Event()
        self.may_answer.set()

    def read(
        self, digest: str, *, size_bytes: int | None = None, is_checked: bool = False
    ) -> memoryview:
        self.reads += 1
        assert self.may_answer.wait(10)
        if self.is_away:
            raise NotReachable("nobody there (test)")
        return super().read(digest, size_bytes=size_bytes, is_checked=is_checked)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One with the data."""
    store = Store(tmp_path)
    store.write(digest_of(DATA), DATA)
    return store


def figure(data: bytes = DATA, *, name: str = "1") -> Figure:
    """Return what is known of a figure that is a blob."""
    return Figure(
        name=name, media_type="image/png", size_bytes=len(data), digest=digest_of(data), text="F"
    )


def test_a_figure_is_brought_once(store: Store) -> None:
    """Who asked is told when it has come; who waits has it at once."""
    contents = Contents(store)
    arrived = threading.Event()
    store.may_answer.clear()
    assert contents.get(figure(), arrived.set) is None
    assert contents.get(figure(name="same"), arrived.set) is None
    store.may_answer.set()
    assert arrived.wait(10)
    assert contents.get(figure(), arrived.set) == DATA
    assert store.reads == 1
    contents.stop()


def test_who_waits_has_it_at_once(store: Store) -> None:
    """Also after the client was closed, where the folder is there still."""
    contents = Contents(store)
    assert contents.get(figure(), lambda: None, wait_s=10) == DATA
    contents = Contents(store)
    contents.stop()
    assert contents.get(figure(), lambda: None) == DATA


def test_what_is_gone_is_empty_and_not_asked_for_again(store: Store) -> None:
    """So is what was never kept; and what is small is in the record."""
    contents = Contents(store)
    gone = figure(b"other")
    assert contents.get(gone, lambda: None, wait_s=10) == b""
    assert contents.get(gone, lambda: None) == b""
    assert store.reads == 1
    never = Figure(name="1", media_type="image/png", size_bytes=9)
    assert contents.get(never, lambda: None) == b""
    small = Figure(
        name="1", media_type="text/html", size_bytes=3, inline=b64encode(b"<b>").decode()
    )
    assert contents.get(small, lambda: None) == b"<b>"
    contents.stop()


def test_a_server_that_is_away_is_asked_again(store: Store) -> None:
    """By whoever still wants it; nobody is told before it is there."""
    contents = Contents(store)
    calls: list[int] = []
    store.is_away = True
    assert contents.get(figure(), lambda: calls.append(1), wait_s=10) is None
    store.is_away = False
    assert contents.get(figure(), lambda: calls.append(2), wait_s=10) == DATA
    wait_until(lambda: calls == [2])
    contents.stop()


def test_only_the_last_are_kept(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as there is room; others are brought again."""
    monkeypatch.setattr(module, "KEPT_BYTES", 2 * len(DATA))
    others = [bytes([n]) * len(DATA) for n in range(3)]
    for data in others:
        store.write(digest_of(data), data)
    contents = Contents(store)
    for data in (*others, others[2], others[1], others[0]):
        assert contents.get(figure(data), lambda: None, wait_s=10) == data
    assert store.reads == 4
    contents.stop()


def test_a_figure_is_read_for_who_asks(store: Store) -> None:
    """And shown in a cell it is that; what is not to be had raises."""
    contents = Contents(store)
    read = contents.read(figure(name="map"))
    assert (read.name, read.media_type, read.data, read.text) == ("map", "image/png", DATA, "F")
    assert read._repr_mimebundle_(include=None) == {
        "image/png": b64encode(DATA).decode(),
        "text/plain": "F",
    }
    assert "PNG" not in repr(read)
    html = b64encode("<b>é</b>".encode()).decode()
    small = contents.read(Figure(name="1", media_type="text/html", size_bytes=9, inline=html))
    assert small._repr_mimebundle_()["text/html"] == "<b>é</b>"
    with pytest.raises(BlobNotFound):
        contents.read(figure(b"other"))
    with pytest.raises(BlobNotFound, match="not kept: the disk is full"):
        contents.read(
            Figure(name="1", media_type="x", size_bytes=9, text="not kept: the disk is full")
        )
