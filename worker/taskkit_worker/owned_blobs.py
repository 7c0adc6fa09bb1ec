"""Where a worker finds what is large of arguments, and keeps what is large of results."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from taskkit.blobs import Blobs
from taskkit.blobs.cache import Cache
from taskkit.blobs.opening import open_store, owner_place

from .patience import PatientBlobs


class OwnedBlobs:
    """The stores of blobs, one an owner; none where the worker was told of no place.

    place: a folder or a URL, the same as the server's; or the server's own address, for whoever
    does not share its disk, with a `token` for the values of all. cache: for copies of what is at
    a URL.
    """

    def __init__(self, place: str | None, cache: Path, token: str = "") -> None:
        self._place = place
        self._token = token
        self._cache = cache
        self._opened = lru_cache(maxsize=64)(self._open)

    def of(self, owner: str) -> Blobs | None:
        """Return an owner's store."""
        return self._opened(owner)

    def patient(self, owner: str) -> Blobs | None:
        """Return it as one that is waited for where it is away."""
        found = self.of(owner)
        return None if found is None else PatientBlobs(found)

    def _open(self, owner: str) -> Blobs | None:
        if self._place is None:
            return None
        cache = Path(owner_place(self._cache, owner))
        if self._place.startswith(("http://", "https://")):
            from taskkit.blobs.http import HttpStore  # here, for they bring urllib3: 1 MB

            from .blob_sender import BlobSender

            return HttpStore(BlobSender(self._place, self._token, owner), Cache(cache))
        return open_store(owner_place(self._place, owner), cache=cache)
