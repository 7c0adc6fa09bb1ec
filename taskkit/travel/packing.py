"""Values as pickles whose large parts stay where they are, apart from the pickle.

Source: PEP 574, "Pickle protocol 5 with out-of-band data".
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..blobs.content import Buffer
from ..blobs.digest import digest_of
from ..blobs.manifest import BlobRef, Manifest, digests_of, read_manifest
from ..protocol.errors import DecodeError
from .local_modules import by_value
from .pickling import dumps

__all__ = ["MOST_BUFFERS", "THRESHOLD_BYTES", "Packed", "digests_of", "pack", "unpack"]

THRESHOLD_BYTES = 256 * 1024
"""From which size on a buffer, or the pickle itself, becomes a blob of its own."""

MOST_BUFFERS = 256
"""How many do, of one value; each that is mapped may hold a file descriptor, of 1024 as a rule."""

Digests = dict[tuple[int, int], tuple[str, object]]
"""Digest of an object's memory by its id and size; with the object, whose id is its own so long."""

Name = Callable[[memoryview], str]

Load = Callable[[Buffer, Iterable[Buffer]], Any]


@dataclass(frozen=True, slots=True)
class Packed:
    """A value, ready to be sent."""

    pickled: bytes
    is_apart: bool
    #: Whether the pickle is the last of the blobs.
    blobs: tuple[BlobRef, ...]
    buffers: tuple[memoryview, ...]
    #: The bytes of `blobs`, in the same order. They share the value's memory: who changes the value
    #: before they are written makes them another blob, and a store refuses it.

    @property
    def head(self) -> bytes:
        """The manifest, and behind it the pickle where that is small."""
        return Manifest(self.blobs, self.is_apart).head(self.pickled)


def pack(
    value: object,
    *,
    threshold_bytes: int = THRESHOLD_BYTES,
    known: Digests | None = None,
    name: Name = digest_of,
) -> Packed:
    """Return `value` with what is large of it apart.

    Two arrays with the same content are two buffers under one digest. Arrays that share memory do
    not share it any more when they are unpacked, as with any pickle; only the same object does.
    `known` spares hashing what was hashed before, of objects that live and do not change meanwhile.
    `name` gives a buffer its digest, and may keep it by the way.

    Raises:
        Exception: Whatever pickling raises for a value that cannot be pickled, or `name` raises.
    """
    pickled, buffers = by_value(partial(_pickled, threshold_bytes), value)
    is_apart = len(pickled) >= threshold_bytes
    if is_apart:
        buffers.append(memoryview(pickled))
    blobs = tuple(
        BlobRef(_digest(buffer, {} if known is None else known, name), buffer.nbytes)
        for buffer in buffers
    )
    return Packed(pickled, is_apart, blobs, tuple(buffers))


def unpack(head: bytes, buffers: Sequence[Buffer], *, load: Load | None = None) -> Any:
    """Return what was packed. Only for what its owner packed: it runs the owner's code.

    `buffers` are the bytes of the manifest's blobs, in its order, each with memory of its own: the
    value is made on top of them, so that writing to it writes to them. `load` takes a pickle and
    its buffers; None means pickle's own.

    Raises:
        DecodeError: The head is none, or the buffers are not those it names, judged by their sizes.
        Exception: Whatever unpickling raises.
    """
    manifest, pickled = read_manifest(head)
    views = [memoryview(buffer) for buffer in buffers]
    if [view.nbytes for view in views] != [blob.size_bytes for blob in manifest.blobs]:
        raise DecodeError("a packed value comes with other blobs than its manifest names")
    if manifest.is_pickle_apart:
        pickled = views.pop()
    return (load or _load)(pickled, views)


def _digest(buffer: memoryview, known: Digests, name: Name) -> str:
    key = (id(buffer.obj), buffer.nbytes)
    if key not in known:
        known[key] = name(buffer), buffer.obj
    return known[key][0]


def _pickled(threshold_bytes: int, value: object) -> tuple[bytes, list[memoryview]]:
    apart: list[memoryview] = []

    def is_in_band(buffer: pickle.PickleBuffer) -> bool:
        try:
            view = buffer.raw()
        except BufferError:  # neither can it be pickled, which pickle says by itself
            return True
        if view.nbytes < threshold_bytes or len(apart) >= MOST_BUFFERS:
            return True
        apart.append(view)
        return False

    return dumps(value, is_in_band), apart


def _load(pickled: Buffer, buffers: Iterable[Buffer]) -> Any:
    return pickle.loads(pickled, buffers=buffers)  # noqa: S301  # see `unpack`
