"""A folder of copies, of which those used longest ago go when there are too many."""

from __future__ import annotations

import os
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO

from ..protocol.errors import BlobNotFound
from .content import Content
from .folder import FolderStore

CACHE_BYTES = 16 * 2**30
"""How much a cache holds unless it is told otherwise."""


class Cache(FolderStore):
    """A `FolderStore` that can lose everything: it is not waited for the disk.

    Who has mapped a blob keeps its memory when the blob goes.

    bound_bytes: what it holds at most, but for the blob that came last.
    """

    def __init__(self, folder: Path, *, bound_bytes: int = CACHE_BYTES) -> None:
        super().__init__(folder, is_durable=False)
        self._bound_bytes = bound_bytes

    def write(self, digest: str, content: Content) -> None:
        """Keep a blob, and make room for it; see `Blobs`."""
        super().write(digest, content)
        self._trim(digest)

    def finish(self, digest: str) -> None:
        """Keep a blob that has arrived, and make room for it; see `BlobStore`."""
        super().finish(digest)
        self._trim(digest)

    def open(self, digest: str) -> BinaryIO:
        """Return a blob as an open file, and note that it was used; see `BlobStore`."""
        file = super().open(digest)
        with suppress(OSError):
            os.utime(file.fileno())
        return file

    def find(self, digest: str, size_bytes: int | None = None) -> memoryview | None:
        """Return a blob's bytes if it is here.

        Raises:
            BlobDamaged: It has another size; it is set aside.
            Unavailable: The cache cannot be read.
        """
        try:
            return self.read(digest, size_bytes=size_bytes)
        except BlobNotFound:
            return None

    def _trim(self, kept: str) -> None:
        blobs = sorted(self.listing(), key=attrgetter("written_at"))
        excess = sum(blob.size_bytes for blob in blobs) - self._bound_bytes
        for blob in blobs:
            if excess <= 0:
                return
            if blob.digest != kept:
                self.delete([blob.digest])
                excess -= blob.size_bytes
