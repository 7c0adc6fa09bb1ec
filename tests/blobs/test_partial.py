"""Blobs that arrive in parts: in any parts, from several senders, and again after a failure."""

from __future__ import annotations

import fcntl
import itertools
import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from waiting import wait_until

from taskkit.blobs import FolderStore, digest_of
from taskkit.protocol.errors import BlobDamaged, DiskFull, OffsetMismatch, TaskkitError

CONTENT = bytes(range(256)) * 2000
DIGEST = digest_of(CONTENT)

LOCKS = Path("/proc/locks")

any_offsets = st.lists(st.integers(0, len(CONTENT)), max_size=8)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(any_offsets)
def test_an_upload_can_be_cut_and_go_on_anywhere(store: FolderStore, cuts: list[int]) -> None:
    """Each time with another process's view of it."""
    store.delete([DIGEST])
    for end in [*sorted(cuts), len(CONTENT)]:
        partial = FolderStore(store.folder).partial(DIGEST)
        start = partial.offset()
        assert partial.append(start, CONTENT[start:end]) == end
    assert store.missing([DIGEST]) == [DIGEST]
    store.finish(DIGEST)
    assert store.read(DIGEST, is_checked=True) == CONTENT


def test_a_part_at_a_wrong_offset_says_the_right_one(store: FolderStore) -> None:
    """A hole is never made."""
    partial = store.partial(DIGEST)
    partial.append(0, CONTENT[:1000])
    with pytest.raises(OffsetMismatch, match="byte 1,000, not 2,000") as caught:
        partial.append(2000, CONTENT[2000:])
    assert caught.value.details == {"expected_offset": 1000, "provided_offset": 2000}
    assert partial.offset() == 1000


def test_what_is_here_already_is_not_written_again(store: FolderStore) -> None:
    """A part may overlap what another sender has brought."""
    partial = store.partial(DIGEST)
    partial.append(0, CONTENT[:1000])
    assert partial.append(0, CONTENT[:500]) == 500
    assert partial.append(400, CONTENT[400:3000]) == 3000
    assert partial.offset() == 3000


def test_parts_that_make_another_blob_are_dropped(store: FolderStore) -> None:
    """It begins anew."""
    partial = store.partial(DIGEST)
    partial.append(0, CONTENT[:-1] + b"?")
    with pytest.raises(BlobDamaged, match="send it again"):
        partial.finish()
    assert partial.offset() == 0
    assert store.missing([DIGEST]) == [DIGEST]


def test_a_finished_blob_can_be_finished_again(store: FolderStore) -> None:
    """As when the answer was lost; what comes later changes nothing."""
    partial = store.partial(DIGEST)
    partial.append(0, CONTENT)
    partial.finish()
    assert partial.append(0, b"nonsense") == 8
    partial.finish()
    assert partial.offset() == len(CONTENT)
    assert store.read(DIGEST, is_checked=True) == CONTENT
    assert [path.name for path in store.folder.rglob("*") if path.is_file()] == [DIGEST]


def test_senders_of_the_same_blob_help_one_another(store: FolderStore) -> None:
    """Each in its own steps; whoever is behind goes on from where the others are."""
    barrier, failed = threading.Barrier(6), []

    def send(step: int) -> None:
        partial = FolderStore(store.folder).partial(DIGEST)
        barrier.wait(30)
        try:
            for at in range(0, len(CONTENT), step):
                partial.append(at, CONTENT[at : at + step])
            partial.finish()
        except TaskkitError as error:
            failed.append(error)

    steps = (1009, 4096, 30_011, 100_003, 1009, len(CONTENT))
    senders = [threading.Thread(target=send, args=(step,)) for step in steps]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    assert failed == []
    assert store.read(DIGEST, is_checked=True) == CONTENT


@pytest.mark.skipif(not LOCKS.exists(), reason="only Linux tells who waits for a lock")
def test_who_waited_for_a_file_that_is_gone_begins_another(store: FolderStore) -> None:
    """As after an upload whose digest was wrong; no byte goes where nobody reads it."""
    partial = store.partial(DIGEST)
    partial.append(0, b"wrong")
    [half] = (store.folder / DIGEST[:2]).iterdir()
    sender = threading.Thread(target=partial.append, args=(0, CONTENT))
    with half.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        sender.start()
        wait_until(lambda: f":{half.stat().st_ino} " in _waiting(), look_every_s=0.01)
        partial.drop()
    sender.join(30)
    assert partial.offset() == len(CONTENT)
    partial.finish()


def _waiting() -> str:
    """Return the lines of those that wait for a lock. Source: proc_locks(5)."""
    return "".join(f"{line} " for line in LOCKS.read_text().splitlines() if "->" in line)


def test_a_half_upload_is_swept_by_its_age(store: FolderStore) -> None:
    """Counted from its last byte."""
    store.partial(DIGEST).append(0, CONTENT[:10])
    [half] = (store.folder / DIGEST[:2]).iterdir()
    assert store.sweep() == 0
    os.utime(half, (1, 1))
    store.partial(DIGEST).append(10, CONTENT[10:20])
    assert store.sweep() == 0
    os.utime(half, (1, 1))
    assert store.sweep() == 1
    assert store.partial(DIGEST).offset() == 0


def test_an_upload_that_fills_the_disk_makes_room_again(disk: Path) -> None:
    """Two that wait for one another's room would never end."""
    partial = FolderStore(disk).partial(DIGEST)
    piece = bytes(2**20)
    with pytest.raises(DiskFull, match="make room"):  # noqa: PT012  # one of many
        for n in itertools.count():
            partial.append(n * len(piece), piece)
    assert partial.offset() == 0
    with pytest.raises(DiskFull, match="100 are wanted"):
        partial.require_room(100 * 2**20)
    partial.require_room(10 * 2**20)
