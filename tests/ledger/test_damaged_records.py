"""What Redis keeps and nobody can read is said to be that, whatever it is."""

from __future__ import annotations

import pytest

from taskkit.ledger.redis_log import _event
from taskkit.ledger.redis_records import record_from
from taskkit.protocol.errors import DecodeError

ENTRY = {b"t": b"job_cancelled", b"j": b"1", b"a": b"7", b"d": b"{}", b"e": b"1"}
HASH = {b"state": b"queued", b"task": b"t", b"seq": b"1", b"created_at": b"1", b"attempt": b"0"}
DEEP = b"[" * 100_000


@pytest.mark.parametrize(
    "damage",
    [
        {b"d": b""},
        {b"d": b"no"},
        {b"d": b"[]"},
        {b"d": DEEP},
        {b"t": b"\xff"},
        {b"a": b"soon"},
        {b"t": b"job_failed", b"d": b'{"error": null}'},
    ],
)
def test_an_event_that_is_damaged(damage: dict[bytes, bytes]) -> None:
    """Of a log, by its number."""
    assert _event((b"3-0", ENTRY)).seq == 3
    with pytest.raises(DecodeError, match="3"):
        _event((b"3-0", {**ENTRY, **damage}))


@pytest.mark.parametrize("lacking", [b"t", b"j", b"a", b"d"])
def test_an_event_that_lacks_something(lacking: bytes) -> None:
    """Each of its parts."""
    with pytest.raises(DecodeError):
        _event((b"3-0", {name: part for name, part in ENTRY.items() if name != lacking}))


@pytest.mark.parametrize(
    "damage",
    [
        {b"state": b"asleep"},
        {b"seq": b"one"},
        {b"progress": b"no"},
        {b"progress": b"7"},
        {b"options": DEEP},
        {b"past": b"one\n"},
        {b"\xff": b""},
        {b"result": b"null"},
    ],
)
def test_a_job_that_is_damaged(damage: dict[bytes, bytes]) -> None:
    """By its id."""
    id = "3" * 32
    assert record_from(id, HASH, b"") is not None
    with pytest.raises(DecodeError, match=id):
        record_from(id, {**HASH, **damage}, b"")
