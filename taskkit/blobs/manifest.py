"""What stands at the head of a packed value: the blobs that it is made of.

Who cannot unpickle, as the server, reads only this.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..protocol.errors import DecodeError
from .content import Buffer
from .digest import is_digest

MAGIC = b"taskkit-pack:1\n"
"""What a head begins with, and the version of its form. A pickle begins with 0x80."""


@dataclass(frozen=True, slots=True)
class BlobRef:
    """A blob that a value needs."""

    digest: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """The blobs of one packed value, one for each place that needs one: some may be the same."""

    blobs: tuple[BlobRef, ...]
    is_pickle_apart: bool
    #: Whether the last blob is the pickle itself; else it stands behind the manifest.

    def head(self, pickled: Buffer) -> bytes:
        """Return the manifest, and the pickle behind it where it is not apart."""
        obj = {
            "blobs": [[blob.digest, blob.size_bytes] for blob in self.blobs],
            "is_pickle_apart": self.is_pickle_apart,
        }
        text = json.dumps(obj, separators=(",", ":")).encode()
        return b"".join((MAGIC, text, b"\n", b"" if self.is_pickle_apart else pickled))


def is_packed(head: Buffer) -> bool:
    """Return whether `head` has a manifest, as opposed to a plain pickle."""
    return bytes(memoryview(head)[: len(MAGIC)]) == MAGIC


def read_manifest(head: bytes) -> tuple[Manifest, memoryview]:
    """Return the manifest, and the pickle behind it.

    Raises:
        DecodeError: It is none, or of a later version.
    """
    end = head.find(b"\n", len(MAGIC))
    if not is_packed(head) or end < 0:
        raise DecodeError("a packed value lacks its manifest, or was packed by a newer taskkit")
    try:
        match json.loads(head[len(MAGIC) : end]):
            case {"blobs": [*blobs], "is_pickle_apart": bool(is_apart)} if blobs or not is_apart:
                manifest = Manifest(tuple(map(_blob, blobs)), is_apart)
            case obj:
                raise ValueError(str(obj)[:200])
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"the manifest of a packed value cannot be read: {error}") from error
    return manifest, memoryview(head)[end + 1 :]


def digests_of(head: bytes) -> list[str]:
    """Return the digests that a packed value needs, each once.

    Raises:
        DecodeError: It has no manifest.
    """
    manifest, _ = read_manifest(head)
    return list(dict.fromkeys(blob.digest for blob in manifest.blobs))


def _blob(entry: Sequence[Any]) -> BlobRef:
    match entry:
        case [str(digest), int(size)] if is_digest(digest) and type(size) is int and size >= 0:
            return BlobRef(digest, size)
    raise ValueError(f"{str(entry)[:100]} is no blob")
