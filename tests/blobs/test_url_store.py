"""Blobs at a URL, on fsspec's file systems in memory and on the disk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from taskkit.blobs import FolderStore, digest_of
from taskkit.blobs.cache import Cache
from taskkit.blobs.opening import open_store, owner_place
from taskkit.blobs.url import PIECE_BYTES, UrlStore
from taskkit.protocol.errors import BlobDamaged, BlobNotFound, Unavailable

CONTENT = bytes(range(256)) * 1000
DIGEST = digest_of(CONTENT)


@pytest.fixture(params=["memory", "file"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A place that nobody else has."""
    if request.param == "file":
        yield f"file://{tmp_path}/remote"
        return
    yield f"memory://{tmp_path}/remote"
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def store(url: str, tmp_path: Path) -> UrlStore:
    """An empty store there."""
    return UrlStore(url, Cache(tmp_path / "cache"))


def second(url: str, tmp_path: Path) -> UrlStore:
    """Return the same store as another machine sees it."""
    return UrlStore(url, Cache(tmp_path / "second"))


def test_what_one_machine_writes_another_reads(url: str, store: UrlStore, tmp_path: Path) -> None:
    """By way of its cache, into memory of its own."""
    store.write(DIGEST, CONTENT)
    other = second(url, tmp_path)
    assert other.missing([DIGEST, DIGEST, digest_of(b"")]) == [digest_of(b"")]
    mine = other.read(DIGEST, size_bytes=len(CONTENT), is_checked=True)
    assert mine == CONTENT
    mine[:4] = b"mine"
    assert other.read(DIGEST) == CONTENT


@pytest.mark.parametrize("content", [b"", [b"ab", b"", b"c"], b"x" * (2 * PIECE_BYTES + 1)])
def test_content_of_any_size_is_written(store: UrlStore, content: Any) -> None:
    """At once or in pieces."""
    whole = content if isinstance(content, bytes) else b"".join(content)
    store.write(digest_of(whole), content)
    assert store.read(digest_of(whole), is_checked=True) == whole


def test_what_was_just_made_is_kept_under_its_digest(store: UrlStore) -> None:
    """Once, however often."""
    assert store.keep(CONTENT) == store.keep(CONTENT) == DIGEST
    assert [blob.digest for blob in store.listing()] == [DIGEST]


def test_what_was_read_once_is_in_the_cache(store: UrlStore, tmp_path: Path, url: str) -> None:
    """It is not asked for again."""
    store.write(DIGEST, CONTENT)
    store.read(DIGEST)
    files, root = fsspec.url_to_fs(url)
    files.rm(root, recursive=True)
    assert store.read(DIGEST) == CONTENT
    with pytest.raises(BlobNotFound, match=DIGEST):
        second(url, tmp_path).read(DIGEST)


def test_content_that_is_not_what_it_is_called_is_never_seen(store: UrlStore, url: str) -> None:
    """Nothing of it stays."""
    with pytest.raises(BlobDamaged, match="changed"):
        store.write(DIGEST, CONTENT[:-1] + b"?")
    assert store.missing([DIGEST]) == [DIGEST]
    assert list(store.listing()) == []


def test_what_is_damaged_on_the_way_is_not_kept(store: UrlStore, url: str) -> None:
    """Its digest is judged when it has come."""
    store.write(DIGEST, CONTENT)
    files, root = fsspec.url_to_fs(url)
    with files.open(f"{root}/{DIGEST[:2]}/{DIGEST}", "wb") as file:
        file.write(CONTENT[:-1])
    with pytest.raises(BlobDamaged, match="changed"):
        store.read(DIGEST)
    with pytest.raises(BlobDamaged):
        store.read(DIGEST)


def test_it_lists_and_deletes(store: UrlStore) -> None:
    """With sizes and times."""
    store.write(DIGEST, CONTENT)
    [info] = store.listing()
    assert (info.digest, info.size_bytes) == (DIGEST, len(CONTENT))
    assert abs(info.written_at - time.time() * 1000) < 24 * 3600 * 1000
    store.read(DIGEST)
    store.delete([DIGEST, digest_of(b"not here")])
    assert list(store.listing()) == []
    assert store.missing([DIGEST]) == [DIGEST]
    with pytest.raises(BlobNotFound):
        store.read(DIGEST)


def test_parts_come_by_way_of_the_cache(store: UrlStore, url: str, tmp_path: Path) -> None:
    """And are kept when they are whole; one that was kept half is finished later."""
    partial = store.partial(DIGEST)
    partial.append(0, CONTENT[:1000])
    partial.append(1000, CONTENT[1000:])
    assert store.missing([DIGEST]) == [DIGEST]
    store.finish(DIGEST)
    store.finish(DIGEST)
    assert second(url, tmp_path).read(DIGEST, is_checked=True) == CONTENT


def test_a_blob_is_open_as_a_file(store: UrlStore) -> None:
    """For a server to send."""
    store.write(DIGEST, CONTENT)
    with store.open(DIGEST) as file:
        assert file.read() == CONTENT


def test_a_store_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    """It is worth trying again."""
    (tmp_path / "remote").write_text("no folder")
    store = UrlStore(f"file://{tmp_path}/remote", Cache(tmp_path / "cache"))
    with pytest.raises(Unavailable, match="does not answer"):
        store.write(DIGEST, CONTENT)


def test_a_place_is_a_folder_or_a_url(tmp_path: Path) -> None:
    """A URL of a folder is the folder."""
    for place in (tmp_path / "a b", f"{tmp_path}/a b", f"file://{tmp_path}/a%20b"):
        store = open_store(place)
        assert isinstance(store, FolderStore)
        assert store.folder == tmp_path / "a b"
    assert isinstance(open_store("memory://x", cache=tmp_path), UrlStore)
    with pytest.raises(ValueError, match="cache"):
        open_store("memory://x")


@pytest.mark.parametrize("owner", ["..", ".", "../eve", "a/b", "%2E%2E", "ünï", "@workers"])
def test_no_owner_leaves_the_place(tmp_path: Path, owner: str) -> None:
    """Whatever their name; each has a folder of their own."""
    folder = Path(owner_place(tmp_path, owner))
    assert folder.parent == tmp_path
    assert folder.resolve() == folder
    assert owner_place(tmp_path, owner) != owner_place(tmp_path, "ada")
