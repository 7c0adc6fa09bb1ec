"""The stores of blobs, one an owner."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from taskkit.blobs import BlobStore
from taskkit.blobs.opening import open_store, owner_place
from taskkit.protocol.errors import BlobNotFound, Unavailable

logger = logging.getLogger(__name__)

SWEEP_S = 3600.0
"""How often an owner's half uploads are looked through, while the owner asks for anything."""


class OwnedBlobs:
    """Opens an owner's store when it is first asked for, and sweeps it now and then.

    place: a folder or a URL, None where no blobs are kept. cache: a folder for copies of what is at
    a URL.
    """

    def __init__(
        self,
        place: str | None,
        cache: Path | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._place = place
        self._cache = cache
        self._clock = clock
        self._stores: dict[str, BlobStore] = {}
        self._swept_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def of(self, owner: str) -> BlobStore:
        """Return an owner's store.

        Raises:
            BlobNotFound: This server keeps no blobs.
        """
        if self._place is None:
            raise BlobNotFound("this server keeps no blobs: send the value in the request itself")
        with self._lock:
            store = self._stores.get(owner)
            if store is None:
                cache = Path(owner_place(self._cache, owner)) if self._cache else None
                store = open_store(owner_place(self._place, owner), cache=cache)
                self._stores[owner] = store
            is_due = self._clock() >= self._swept_at.get(owner, float("-inf")) + SWEEP_S
            if is_due:
                self._swept_at[owner] = self._clock()
        if is_due:
            self._sweep(store)
        return store

    def _sweep(self, store: BlobStore) -> None:
        try:
            swept = store.sweep()
        except Unavailable as error:
            logger.warning("half uploads are not swept: %s", error)
        else:
            if swept:
                logger.info("removed %d half uploads that nobody went on with", swept)
