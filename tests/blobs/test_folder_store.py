"""Blobs in a folder: whole or not there, shared, and private where they are written to."""

from __future__ import annotations

import multiprocessing
import multiprocessing.synchronize
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from taskkit.blobs import FolderStore, digest_of
from taskkit.blobs.disk import BEGUN_BYTES, PART_BYTES, RESERVE_BYTES
from taskkit.protocol.errors import BlobDamaged, BlobNotFound, DiskFull, TaskkitError, Unavailable

CONTENT = bytes(range(256)) * 4096
DIGEST = digest_of(CONTENT)
NOBODYS = digest_of(b"nobody wrote this")


def files(store: FolderStore) -> list[str]:
    """Return the names of all files in a store."""
    return sorted(path.name for path in store.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("is_durable", [True, False])
def test_what_is_written_is_read(tmp_path: Path, is_durable: bool) -> None:
    """And is the only file."""
    store = FolderStore(tmp_path / "blobs", is_durable=is_durable)
    store.write(DIGEST, CONTENT)
    assert store.read(DIGEST, size_bytes=len(CONTENT), is_checked=True) == CONTENT
    assert files(store) == [DIGEST]


@pytest.mark.parametrize(
    "content", [b"", b"x", [], [b""], [b"ab", bytearray(b"c"), memoryview(b"d")]]
)
def test_content_may_be_small_or_come_in_pieces(store: FolderStore, content: list[bytes]) -> None:
    """Of any bytes-like type."""
    whole = b"".join(content) if isinstance(content, list) else content
    store.write(digest_of(whole), content)
    assert store.read(digest_of(whole), is_checked=True) == whole


def test_an_array_is_written_as_its_bytes(store: FolderStore) -> None:
    """Of whatever shape."""
    array = np.arange(12.0).reshape(3, 4)
    store.write(digest_of(memoryview(array)), memoryview(array))
    assert (np.frombuffer(store.read(digest_of(memoryview(array)))).reshape(3, 4) == array).all()


SIZES = [0, 1, PART_BYTES - 1, PART_BYTES, 3 * PART_BYTES + 5, 2 * BEGUN_BYTES + 1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("is_durable", [True, False])
def test_what_was_just_made_gets_its_digest_by_being_kept(
    tmp_path: Path, size: int, is_durable: bool
) -> None:
    """Of whatever size; and however it comes in pieces, it is the same blob."""
    store = FolderStore(tmp_path / "blobs", is_durable=is_durable)
    content = np.random.default_rng(size).bytes(size)
    assert store.keep(content) == digest_of(content)
    assert files(store) == [digest_of(content)]
    assert store.read(digest_of(content), size_bytes=size, is_checked=True) == content
    store.delete([digest_of(content)])
    store.write(digest_of(content), iter([content[: size // 3], b"", content[size // 3 :]]))
    assert store.read(digest_of(content), size_bytes=size, is_checked=True) == content


def test_what_is_here_already_is_not_replaced_by_being_kept(store: FolderStore) -> None:
    """It counts as young, and nothing else is left."""
    store.write(DIGEST, CONTENT)
    path = store.folder / DIGEST[:2] / DIGEST
    os.utime(path, (1, 1))
    before = path.stat().st_ino
    assert store.keep(CONTENT) == DIGEST
    assert path.stat().st_ino == before
    assert path.stat().st_mtime > 1
    assert files(store) == [DIGEST]


def test_what_changes_while_it_is_kept_has_the_digest_of_what_was_written(
    store: FolderStore,
) -> None:
    """A thread of the job's may go on with its array."""
    array = np.zeros(4 * BEGUN_BYTES, dtype=np.uint8)
    is_over = threading.Event()

    def change() -> None:
        while not is_over.is_set():
            array[:] += 1

    thread = threading.Thread(target=change)
    thread.start()
    try:
        digests = {store.keep(memoryview(array)) for _ in range(5)}
    finally:
        is_over.set()
        thread.join()
    for digest in digests:
        store.read(digest, size_bytes=array.nbytes, is_checked=True)


def test_only_their_user_sees_them(store: FolderStore) -> None:
    """Files and folders."""
    store.write(DIGEST, CONTENT)
    path = store.folder / DIGEST[:2] / DIGEST
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert store.folder.stat().st_mode & 0o777 == 0o700


def test_missing_names_each_once_in_order(store: FolderStore) -> None:
    """And not what is here."""
    store.write(DIGEST, CONTENT)
    other = digest_of(b"other")
    assert store.missing([other, DIGEST, NOBODYS, other]) == [other, NOBODYS]


def test_who_asks_for_a_blob_makes_it_young(store: FolderStore) -> None:
    """So that a collector does not take it before it is used."""
    store.write(DIGEST, CONTENT)
    os.utime(store.folder / DIGEST[:2] / DIGEST, (1, 1))
    [before] = store.listing()
    store.missing([DIGEST])
    [after] = store.listing()
    assert before.written_at == 1000
    assert (after.digest, after.size_bytes) == (DIGEST, len(CONTENT))
    assert after.written_at > time.time() * 1000 - 60_000


def test_a_blob_that_is_here_is_not_written_again(store: FolderStore) -> None:
    """Its content is not even looked at."""
    store.write(DIGEST, CONTENT)

    def untouched() -> Iterator[bytes]:
        raise AssertionError("looked at")
        yield b""

    store.write(DIGEST, untouched())


def test_what_was_deleted_is_missing(store: FolderStore) -> None:
    """To delete what is not here does nothing."""
    store.write(DIGEST, CONTENT)
    store.delete([DIGEST, NOBODYS])
    assert store.missing([DIGEST]) == [DIGEST]
    with pytest.raises(BlobNotFound, match=DIGEST):
        store.read(DIGEST)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "AB" * 32, "ab" * 31, f"{DIGEST}\n"])
def test_what_is_no_digest_is_no_blob(store: FolderStore, name: str) -> None:
    """No name leads out of the folder."""
    for ask in (store.read, store.open, lambda name: store.write(name, b"")):
        with pytest.raises(BlobNotFound, match="is not the digest of a blob"):
            ask(name)


def test_content_that_is_not_what_it_is_called_is_refused(store: FolderStore) -> None:
    """As of an array that was changed after it was submitted; nothing is kept."""
    with pytest.raises(BlobDamaged, match="changed"):
        store.write(DIGEST, CONTENT[:-1] + b"?")
    assert files(store) == []


def test_writing_to_what_was_read_touches_nobody_else(store: FolderStore) -> None:
    """Neither the file, nor who reads it later, nor who has read it before."""
    store.write(DIGEST, CONTENT)
    before, mine = (np.frombuffer(store.read(DIGEST), np.uint8) for _ in range(2))
    mine[:] = 0
    assert before.tobytes() == CONTENT
    assert store.read(DIGEST, is_checked=True) == CONTENT
    assert not mine.any()


def _fill_with_zeros(folder: str, is_told: multiprocessing.synchronize.Event) -> None:
    mine = np.frombuffer(FolderStore(Path(folder)).read(DIGEST), np.uint8)
    mine[:] = 0
    is_told.set()


def test_two_processes_have_a_blob_to_themselves(store: FolderStore) -> None:
    """What one writes the other does not see."""
    store.write(DIGEST, CONTENT)
    mine = store.read(DIGEST)
    fork = multiprocessing.get_context("spawn")
    is_told = fork.Event()
    other = fork.Process(target=_fill_with_zeros, args=(str(store.folder), is_told))
    other.start()
    other.join(60)
    assert is_told.is_set()
    assert mine == CONTENT
    assert store.read(DIGEST) == CONTENT


def test_who_has_mapped_a_blob_keeps_it_when_it_is_deleted(store: FolderStore) -> None:
    """Also what had not been read of it yet."""
    store.write(DIGEST, CONTENT)
    mine = store.read(DIGEST)
    store.delete([DIGEST])
    assert mine == CONTENT


@pytest.mark.parametrize("size", [0, 1, len(CONTENT) - 1])
def test_a_truncated_file_is_found_and_can_be_written_anew(store: FolderStore, size: int) -> None:
    """By its size alone."""
    store.write(DIGEST, CONTENT)
    os.truncate(store.folder / DIGEST[:2] / DIGEST, size)
    with pytest.raises(BlobDamaged, match=rf"{DIGEST} has {size:,} bytes .* instead of 1,048,576"):
        store.read(DIGEST, size_bytes=len(CONTENT))
    assert store.missing([DIGEST]) == [DIGEST]
    store.write(DIGEST, CONTENT)
    assert store.read(DIGEST, size_bytes=len(CONTENT), is_checked=True) == CONTENT


def test_a_damaged_file_is_found_when_it_is_checked(store: FolderStore) -> None:
    """One bit is enough; whoever does not check reads it as it is."""
    store.write(DIGEST, CONTENT)
    with (store.folder / DIGEST[:2] / DIGEST).open("r+b") as file:
        file.seek(500_000)
        file.write(b"?")
    store.read(DIGEST, size_bytes=len(CONTENT))
    with pytest.raises(BlobDamaged, match="other bytes"):
        store.read(DIGEST, is_checked=True)
    assert store.missing([DIGEST]) == [DIGEST]


def test_writers_of_the_same_blob_do_not_disturb_one_another(store: FolderStore) -> None:
    """All write at once; all succeed, and one file is left."""
    barrier, failed = threading.Barrier(8), []

    def slowly() -> Iterator[bytes]:
        barrier.wait(30)
        for at in range(0, len(CONTENT), 65_536):
            yield CONTENT[at : at + 65_536]

    def write() -> None:
        try:
            FolderStore(store.folder).write(DIGEST, slowly())
        except TaskkitError as error:
            failed.append(error)

    writers = [threading.Thread(target=write) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    assert failed == []
    assert files(store) == [DIGEST]
    assert store.read(DIGEST, is_checked=True) == CONTENT


WRITER = """
import sys, time
from pathlib import Path
from taskkit.blobs import FolderStore, digest_of
def pieces():
    yield b"x" * 1_000_000
    print("half", flush=True)
    time.sleep(600)
FolderStore(Path(sys.argv[1])).write(digest_of(b"x" * 2_000_000), pieces())
"""


def test_a_killed_writer_leaves_only_what_is_swept(store: FolderStore) -> None:
    """Nobody sees half a blob; what is left goes by its age."""
    digest = digest_of(b"x" * 2_000_000)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store.folder)], stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"half\n"
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    assert store.missing([digest]) == [digest]
    assert list(store.listing()) == []
    assert len(files(store)) == 1
    assert store.sweep(older_than_s=3600) == 0
    os.utime(store.folder / digest[:2] / files(store)[0], (1, 1))
    assert store.sweep(older_than_s=3600) == 1
    assert files(store) == []


KEEPER = """
import resource, signal, sys
from pathlib import Path
from taskkit.blobs import FolderStore
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
FolderStore(Path(sys.argv[1])).keep(b"x" * 3_000_000)
"""


def test_one_that_is_killed_while_it_keeps_leaves_only_what_is_swept(store: FolderStore) -> None:
    """In a place that no blob's name leads to, and where the sweep looks."""
    ended = subprocess.run([sys.executable, "-c", KEEPER, str(store.folder)], check=False)
    assert ended.returncode == -signal.SIGXFSZ
    assert list(store.listing()) == []
    [left] = [path for path in store.folder.rglob("*") if path.is_file()]
    assert left.stat().st_size > 0
    os.utime(left, (1, 1))
    assert store.sweep(older_than_s=3600) == 1
    assert files(store) == []


def test_a_sweep_takes_no_blob(store: FolderStore) -> None:
    """However old."""
    store.write(DIGEST, CONTENT)
    os.utime(store.folder / DIGEST[:2] / DIGEST, (1, 1))
    assert store.sweep(older_than_s=0) == 0
    assert files(store) == [DIGEST]


def test_a_store_that_was_never_written_is_empty(store: FolderStore) -> None:
    """Its folder need not be there."""
    assert store.missing([DIGEST]) == [DIGEST]
    assert list(store.listing()) == []
    assert store.sweep() == 0


def test_a_folder_that_cannot_be_is_said(tmp_path: Path) -> None:
    """In our own words."""
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(Unavailable, match="blobs cannot be kept in"):
        FolderStore(tmp_path / "file").write(DIGEST, CONTENT)


def test_a_full_disk_is_said_and_nothing_is_left(disk: Path) -> None:
    """When there is room again, it is written."""
    store = FolderStore(disk / "blobs")
    store.write(digest_of(b"made the folders"), b"made the folders")
    pieces = [CONTENT] * 50
    whole = b"".join(pieces)
    with pytest.raises(DiskFull, match="is full: make room"):
        store.write(digest_of(whole * 2), iter(pieces * 2))
    with pytest.raises(DiskFull):
        store.keep(whole * 2)
    assert files(store) == [digest_of(b"made the folders")]
    store.write(DIGEST, CONTENT)
    assert store.read(DIGEST, is_checked=True) == CONTENT


def test_what_would_leave_no_room_to_the_ledger_is_not_begun(disk: Path) -> None:
    """It says how much is free and how much is wanted."""
    store = FolderStore(disk / "blobs")
    content = bytes(2**26 - RESERVE_BYTES + 1)
    with pytest.raises(DiskFull, match="must stay free"):
        store.write(digest_of(content), content)
    assert files(store) == []
