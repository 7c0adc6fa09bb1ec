"""What is sent, with its large parts kept as blobs."""

from __future__ import annotations

from typing import Any

from ..blobs.content import Buffer
from ..blobs.digest import digest_of
from ..blobs.manifest import is_packed, read_manifest
from ..blobs.store import Blobs
from ..protocol.errors import BlobNotFound
from .local_modules import by_value
from .packing import Digests, Load, pack, unpack
from .pickling import dumps
from .references import noting, reading

Sent = tuple[bytes, tuple[str, ...]]
"""A pickle, or what `packing` makes of it, and the digests of the blobs that it needs."""


class Outgoing:
    """Pickles what travels together; the same array in many places is hashed and kept once.

    For one call of the user's: meanwhile nobody else changes what is pickled.

    is_new: whether it was just made, as results are, and not sent before.
    """

    def __init__(self, blobs: Blobs | None, *, is_new: bool = False) -> None:
        self._blobs = blobs
        #: Where large parts are kept; None where nobody keeps them.
        self._is_new = is_new
        self._digests: Digests = {}
        self._kept: set[str] = set()
        self.pickle: bytes = b""
        #: The last one, whole, wherever it is kept; until somebody looks at it.

    def looked_at(self) -> bytes:
        """Return the last pickle, and hold it no longer."""
        pickle, self.pickle = self.pickle, b""
        return pickle

    def pickled(self, value: object) -> Sent:
        """Return `value` as it is sent; its blobs are kept when this returns.

        Raises:
            BlobNotFound: What a reference within stands for is no longer kept.
            DiskFull, PayloadTooLarge, Unavailable, NotReachable: They cannot be kept.
            Exception: Whatever pickling raises for a value that cannot be pickled.
        """
        with noting() as referred:
            sent, blobs = self._pickled(value)
        self.require(referred - set(blobs))
        return sent, (*blobs, *sorted(referred.difference(blobs)))

    def _pickled(self, value: object) -> Sent:
        if self._blobs is None:
            return self._whole(value), ()
        try:
            name = self._blobs.keep if self._is_new else digest_of
            packed = pack(value, known=self._digests, name=name)
            self.pickle = packed.pickled
            if not packed.blobs:
                return packed.pickled, ()
            contents = {
                blob.digest: buffer
                for blob, buffer in zip(packed.blobs, packed.buffers, strict=True)
            }
            missing = self._blobs.missing(contents.keys() - self._kept)
        except BlobNotFound:  # this server keeps no blobs at all
            self._blobs = None
            return self._whole(value), ()
        for digest in missing:
            self._blobs.write(digest, contents[digest])
        self._kept |= contents.keys()
        return packed.head, tuple(contents)

    def _whole(self, value: object) -> bytes:
        self.pickle = by_value(dumps, value)
        return self.pickle

    def require(self, digests: set[str]) -> None:
        """Return if these blobs are kept, and have them be kept for a while.

        Raises:
            BlobNotFound: One is not.
        """
        asked = digests - self._kept
        if asked and (self._blobs is None or self._blobs.missing(asked)):
            raise BlobNotFound("what a reference stands for is no longer kept: put it again")
        self._kept |= asked


def arrived(body: Buffer, blobs: Blobs | None, load: Load) -> Any:
    """Return what `Outgoing.pickled` was given; `load` takes a pickle and its buffers.

    Its large parts are private memory, mapped from files: changing them changes nobody else's.

    Raises:
        BlobNotFound, BlobDamaged, Unavailable, NotReachable: A blob is not to be had.
        Exception: Whatever loading it raises.
    """
    with reading(lambda sent: arrived(sent, blobs, load)):
        return _arrived(body, blobs, load)


def _arrived(body: Buffer, blobs: Blobs | None, load: Load) -> Any:
    if not is_packed(body):
        return load(body, ())
    if blobs is None:
        raise BlobNotFound(
            "the value was sent apart, as blobs, and nobody here keeps blobs: set TASKKIT_BLOBS to "
            "the folder or the URL that the server uses"
        )
    head = bytes(body)
    manifest, _ = read_manifest(head)
    # A pickle is code: that it is what was sent is looked at. What it is made on top of is data.
    pickled = manifest.blobs[-1] if manifest.is_pickle_apart else None
    buffers = [
        blobs.read(blob.digest, size_bytes=blob.size_bytes, is_checked=blob is pickled)
        for blob in manifest.blobs
    ]
    return unpack(head, buffers, load=load)


def size_bytes(body: bytes) -> int:
    """Return how large a value is that was sent as `body`, its large parts included."""
    if not is_packed(body):
        return len(body)
    manifest, _ = read_manifest(body)
    return len(body) + sum(blob.size_bytes for blob in manifest.blobs)
