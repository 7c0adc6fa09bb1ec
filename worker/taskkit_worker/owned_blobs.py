"""Where a worker finds what is large of arguments, and keeps what is large of results."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from taskkit.blobs import Blobs
from taskkit.blobs.opening import open_store, owner_place


class OwnedBlobs:
    """The stores of blobs, one an owner; none where the worker was told of no place.

    place: a folder or a URL, the same as the server's. cache: for copies of what is at a URL.
    """

    def __init__(self, place: str | None, cache: Path) -> None:
        self._place = place
        self._cache = cache
        self._opened = lru_cache(maxsize=64)(self._open)

    def of(self, owner: str) -> Blobs | None:
        """Return an owner's store."""
        return self._opened(owner)

    def _open(self, owner: str) -> Blobs | None:
        if self._place is None:
            return None
        cache = Path(owner_place(self._cache, owner))
        return open_store(owner_place(self._place, owner), cache=cache)
