"""What is sent, with its large parts kept as blobs."""

from __future__ import annotations

from typing import Any

from ..blobs.content import Buffer
from ..blobs.manifest import is_packed, read_manifest
from ..blobs.store import Blobs
from ..protocol.errors import BlobNotFound
from .local_modules import by_value
from .packing import Digests, Load, pack, unpack
from .pickling import dumps

Sent = tuple[bytes, tuple[str, ...]]
"""A pickle, or what `packing` makes of it, and the digests of the blobs that it needs."""


class Outgoing:
    """Pickles what travels together; the same array in many places is hashed and kept once.

    For one call of the user's: meanwhile nobody else changes what is pickled.
    """

    def __init__(self, blobs: Blobs | None) -> None:
        self._blobs = blobs
        #: Where large parts are kept; None where nobody keeps them.
        self._digests: Digests = {}
        self._kept: set[str] = set()

    def pickled(self, value: object) -> Sent:
        """Return `value` as it is sent; its blobs are kept when this returns.

        Raises:
            DiskFull, PayloadTooLarge, Unavailable, NotReachable: They cannot be kept.
            Exception: Whatever pickling raises for a value that cannot be pickled.
        """
        if self._blobs is None:
            return _in_one(value), ()
        packed = pack(value, known=self._digests)
        if not packed.blobs:
            return bytes(read_manifest(packed.head)[1]), ()
        contents = {
            blob.digest: buffer for blob, buffer in zip(packed.blobs, packed.buffers, strict=True)
        }
        try:
            missing = self._blobs.missing(contents.keys() - self._kept)
        except BlobNotFound:  # this server keeps no blobs at all
            self._blobs = None
            return _in_one(value), ()
        for digest in missing:
            self._blobs.write(digest, contents[digest])
        self._kept |= contents.keys()
        return packed.head, tuple(contents)


def arrived(body: Buffer, blobs: Blobs | None, load: Load) -> Any:
    """Return what `Outgoing.pickled` was given; `load` takes a pickle and its buffers.

    Its large parts are private memory, mapped from files: changing them changes nobody else's.

    Raises:
        BlobNotFound, BlobDamaged, Unavailable, NotReachable: A blob is not to be had.
        Exception: Whatever loading it raises.
    """
    if not is_packed(body):
        return load(body, ())
    if blobs is None:
        raise BlobNotFound(
            "the value was sent apart, as blobs, and nobody here keeps blobs: set TASKKIT_BLOBS to "
            "the folder or the URL that the server uses"
        )
    head = bytes(body)
    manifest, _ = read_manifest(head)
    buffers = [blobs.read(blob.digest, size_bytes=blob.size_bytes) for blob in manifest.blobs]
    return unpack(head, buffers, load=load)


def size_bytes(body: bytes) -> int:
    """Return how large a value is that was sent as `body`, its large parts included."""
    if not is_packed(body):
        return len(body)
    manifest, _ = read_manifest(body)
    return len(body) + sum(blob.size_bytes for blob in manifest.blobs)


def _in_one(value: object) -> bytes:
    return by_value(dumps, value)
