"""The bytes of a blob, on their way into a store."""

from __future__ import annotations

from collections.abc import Iterable
from pickle import PickleBuffer

Buffer = bytes | bytearray | memoryview
"""Bytes in memory. `collections.abc.Buffer` may take its place when Python 3.11 is given up."""

Content = Buffer | Iterable[Buffer]
"""The bytes of a blob, whole or in pieces."""


def pieces(content: Content) -> Iterable[Buffer]:
    """Return content as pieces: itself, where it is whole."""
    return [content] if isinstance(content, Buffer) else content


def flat(buffer: Buffer) -> memoryview:
    """Return contiguous bytes, of C's order or Fortran's, as a view of single bytes.

    Raises:
        BufferError: They are not contiguous.
    """
    return PickleBuffer(buffer).raw()
