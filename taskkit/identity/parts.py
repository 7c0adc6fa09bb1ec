"""The bytes of values, written so that two different ones never share them, and their digests."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from hashlib import sha256
from types import EllipsisType, NotImplementedType
from typing import Any


class Unsure(Exception):
    """Something cannot be told from others like it; the message says what, after "it"."""


class Part:
    """What counts under one label, being hashed."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.told = 0
        #: How many objects are told in it, so that each has a place.
        self._hash = sha256()

    def write(self, tag: str, data: bytes | memoryview = b"") -> None:
        """Add one piece: each says its kind and its length, so that no two sequences are alike."""
        self._hash.update(f"{tag}:{len(data)}:".encode())
        self._hash.update(data)

    def digest(self) -> str:
        """Return the SHA-256 of all that was written, in hexadecimal."""
        return self._hash.hexdigest()


def text_bytes(text: str) -> bytes:
    """Return a text as bytes, also one that no encoding has."""
    return text.encode("utf-8", "surrogatepass")


def atom(value: object) -> tuple[str, bytes] | None:
    """Return the tag and the bytes of what has no parts; None for anything else.

    By its exact type: a subclass may behave otherwise.
    """
    match value:
        case None | EllipsisType() | NotImplementedType() | bool():
            return "constant", repr(value).encode()
    kind = type(value)
    if kind is int:
        return "int", _int_bytes(value)
    if kind is float:
        return "float", struct.pack(">d", value)
    if kind is complex:
        number: Any = value
        return "complex", struct.pack(">dd", number.real, number.imag)
    if kind is str:
        return "str", text_bytes(str(value))
    if kind is bytes:
        whole: Any = value
        return "bytes", whole
    return None


def alike(values: Sequence[Any]) -> tuple[str, bytes] | None:
    """Return the tag and the bytes of many numbers or texts of one type, which takes a tenth of the
    time that one after another would; None for others."""
    kinds = set(map(type, values))
    if len(kinds) != 1:
        return None
    kind = kinds.pop()
    if kind is float:
        return "floats", struct.pack(f">{len(values)}d", *values)
    if kind is int:
        # In hexadecimal, for which there is no limit of digits.
        return "ints", ",".join(map(hex, values)).encode()
    if kind is str:
        whole = list(map(text_bytes, values))
        sizes = ",".join(str(len(one)) for one in whole).encode()
        return "strs", sizes + b";" + b"".join(whole)
    return None


def _int_bytes(value: Any) -> bytes:
    whole: bytes = value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)
    return whole
