"""The store that a client keeps large values in, found when there is the first one."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import cached_property

import platformdirs

from ..blobs.content import Buffer, Content
from ..blobs.sharing import client_store
from ..blobs.store import Blobs
from .http import Http


class OwnBlobs:
    """The server's store; its folder itself where this machine has it, too."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._lock = threading.Lock()

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Return those that are not there; see `Blobs`.

        Raises:
            BlobNotFound: The server keeps no blobs.
        """
        return self._store().missing(digests)

    def write(self, digest: str, content: Content) -> None:
        """Keep a blob; see `Blobs`."""
        self._store().write(digest, content)

    def keep(self, content: Buffer) -> str:
        """Keep bytes that were just made, and return their digest; see `Blobs`."""
        return self._store().keep(content)

    def read(
        self, digest: str, *, size_bytes: int | None = None, is_checked: bool = False
    ) -> memoryview:
        """Return a blob's bytes; see `Blobs`."""
        return self._store().read(digest, size_bytes=size_bytes, is_checked=is_checked)

    def _store(self) -> Blobs:
        with self._lock:
            return self._found

    @cached_property
    def _found(self) -> Blobs:
        return client_store(self._http, platformdirs.user_cache_path("taskkit") / "blobs")
