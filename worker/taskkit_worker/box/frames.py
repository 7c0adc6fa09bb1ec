"""What goes over the line between a pool process and a job's own: a head of JSON, and bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

from taskkit.protocol.spec import MAX_RESULT_BYTES

_LENGTHS = struct.Struct("!IQ")


class Says(StrEnum):
    """What a job's process says. All but `READY` and `RESULT` asks for an answer."""

    READY = "ready"
    RESULT = "result"
    APPEND = "append"
    #: Events that the attempt has.
    FUNCTION = "function"
    JOB_RESULT = "job_result"
    MISSING = "missing"
    #: Blobs; and so are the next three.
    READ = "read"
    PIECE = "piece"
    WRITE = "write"


class Told(StrEnum):
    """What it is told."""

    JOB = "job"
    ANSWER = "answer"
    INTERRUPT = "interrupt"


PIECE_BYTES = 4 * 2**20
"""How much of a blob goes at once."""

MOST_HEAD_BYTES = 4 * 2**20
"""Of what a job's process says: a batch of events, or the digests of all that a result needs."""

MOST_BODY_BYTES: Mapping[str, int] = {Says.RESULT: MAX_RESULT_BYTES, Says.PIECE: PIECE_BYTES}
"""Of what it says, by kind; all others have none."""


class GarbledError(Exception):
    """The other side says what it never would if it were what it should be."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One thing that is said."""

    kind: str
    facts: Mapping[str, Any]
    body: bytes | bytearray | memoryview = b""

    def pieces(self) -> tuple[bytes, bytes | bytearray | memoryview]:
        """Return it as it goes over the line, the body uncopied."""
        head = json.dumps({**self.facts, "kind": self.kind}).encode()
        return _LENGTHS.pack(len(head), len(self.body)) + head, self.body


class Unframer:
    """Makes frames of bytes as they come; of a stranger it takes no more than is allowed."""

    def __init__(self, *, is_trusted: bool = False) -> None:
        self._is_trusted = is_trusted
        self._come = bytearray()
        self._head: tuple[str, dict[str, Any], int] | None = None
        #: Of the frame whose body is awaited: kind, facts and length.

    def feed(self, come: bytes | memoryview) -> None:
        """Take what has come."""
        self._come += come

    def next(self) -> Frame | None:
        """Return the next frame; None where it has not come as a whole.

        Raises:
            GarbledError: It is none, or larger than what it says may be.
        """
        if self._head is None:
            self._head = self._next_head()
        if self._head is None:
            return None
        kind, facts, length = self._head
        if len(self._come) < length:
            return None
        body = bytes(memoryview(self._come)[:length]) if length else b""
        del self._come[:length]
        self._head = None
        return Frame(kind, facts, body)

    def _next_head(self) -> tuple[str, dict[str, Any], int] | None:
        if len(self._come) < _LENGTHS.size:
            return None
        head_length, length = _LENGTHS.unpack_from(self._come)
        if not self._is_trusted and head_length > MOST_HEAD_BYTES:
            raise GarbledError(f"it says {head_length:,} bytes at once")
        end = _LENGTHS.size + head_length
        if len(self._come) < end:
            return None
        facts = _parsed(bytes(memoryview(self._come)[_LENGTHS.size : end]), self._is_trusted)
        kind = facts.pop("kind", None)
        if not isinstance(kind, str):
            raise GarbledError("it does not say what it says")
        if not self._is_trusted and length > MOST_BODY_BYTES.get(kind, 0):
            raise GarbledError(f"it brings {length:,} bytes with {kind[:20]!r}")
        del self._come[:end]
        return kind, facts, length


def _parsed(head: bytes, is_trusted: bool) -> dict[str, Any]:
    try:
        facts = json.loads(head.decode(), parse_constant=_refused)
        # Half a surrogate pair, written out, is JSON; nobody after this could write it.
        if not is_trusted:
            json.dumps(facts, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise GarbledError(f"it says what is no JSON ({type(error).__name__})") from None
    if not isinstance(facts, dict):
        raise GarbledError("it says what is no object")
    return facts


def _refused(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
