"""Frames of the line between a pool process and a job's own."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskkit.protocol.spec import MAX_RESULT_BYTES
from taskkit_worker.box.frames import (
    MOST_HEAD_BYTES,
    PIECE_BYTES,
    Frame,
    GarbledError,
    Says,
    Unframer,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FRAMES = st.builds(
    Frame,
    st.sampled_from([Says.RESULT, Says.PIECE]),
    st.dictionaries(TEXTS.filter(lambda name: name != "kind"), TEXTS | st.integers(), max_size=4),
    st.binary(max_size=100),
)


def written(*frames: Frame) -> bytes:
    """Return what goes over the line."""
    return b"".join(bytes(piece) for frame in frames for piece in frame.pieces())


def heard(unframer: Unframer) -> list[Frame]:
    """Return what has come as a whole."""
    frames = []
    while (frame := unframer.next()) is not None:
        frames.append(frame)
    return frames


@given(st.lists(FRAMES, max_size=4), st.integers(1, 50))
def test_frames_come_as_they_were_sent(frames: list[Frame], size: int) -> None:
    """However they are cut on their way."""
    come, unframer = written(*frames), Unframer()
    found = []
    for at in range(0, len(come), size):
        unframer.feed(come[at : at + size])
        found += heard(unframer)
    assert found == frames


@given(st.binary(max_size=200))
def test_whatever_comes_is_a_frame_or_garbled(come: bytes) -> None:
    """Nothing else is raised, and no more is awaited than a frame may have."""
    unframer = Unframer()
    unframer.feed(come)
    with suppress(GarbledError):
        heard(unframer)


@pytest.mark.parametrize(
    "head",
    [
        b"[]",
        b'"kind"',
        b"{}",
        b'{"kind": 1}',
        b'{"kind": "append", "x": NaN}',
        b'{"kind": "append", "x": Infinity}',
        b'{"kind": "append", "x": "\\ud800"}',
        b'{"kind": "append", "x": ' + b"9" * 5000 + b"}",
        b'{"kind": "append", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b"\xff",
    ],
    ids=["list", "text", "nothing", "number", "nan", "inf", "surrogate", "digits", "deep", "bytes"],
)
def test_a_head_that_is_none_is_refused(head: bytes) -> None:
    """Also JSON that nobody after this could write."""
    unframer = Unframer()
    unframer.feed(struct.pack("!IQ", len(head), 0) + head)
    with pytest.raises(GarbledError):
        unframer.next()


@pytest.mark.parametrize(
    ("kind", "most"),
    [(Says.APPEND, 0), (Says.PIECE, PIECE_BYTES), (Says.RESULT, MAX_RESULT_BYTES), ("else", 0)],
)
def test_a_body_larger_than_its_kind_has_is_refused(kind: str, most: int) -> None:
    """Before any of it has come."""
    head = b'{"kind": "%s"}' % kind.encode()
    for length, is_garbled in ((most, False), (most + 1, True)):
        unframer = Unframer()
        unframer.feed(struct.pack("!IQ", len(head), length) + head)
        try:
            found = unframer.next()
        except GarbledError:
            assert is_garbled
        else:
            assert not is_garbled
            assert (found is None) == (length > 0)


def test_a_head_that_is_too_large_is_refused() -> None:
    """By its length alone; of the pool process none is."""
    lengths = struct.pack("!IQ", MOST_HEAD_BYTES + 1, 0)
    stranger, trusted = Unframer(), Unframer(is_trusted=True)
    stranger.feed(lengths)
    trusted.feed(lengths)
    with pytest.raises(GarbledError, match="at once"):
        stranger.next()
    assert trusted.next() is None
