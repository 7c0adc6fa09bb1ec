"""The stores of blobs, one an owner."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

from taskkit.blobs import BlobStore
from taskkit.blobs.opening import open_store, owner_place
from taskkit.ledger import Ledger
from taskkit.protocol.errors import BlobNotFound, Unavailable

logger = logging.getLogger(__name__)

SWEEP_S = 3600.0
"""How often an owner's blobs are looked through, while the owner asks for anything."""

YOUNG_S = 24 * 3600.0
"""For how long a blob is kept that no job needs: it may have been sent for one that is to come."""

ASKED_AT_ONCE = 1000


class OwnedBlobs:
    """Opens an owner's store when it is first asked for, and removes what nobody needs any more.

    place: a folder or a URL, None where no blobs are kept. cache: a folder for copies of what is at
    a URL.
    """

    def __init__(
        self,
        ledger: Ledger,
        place: str | None,
        cache: Path | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        young_s: float = YOUNG_S,
    ) -> None:
        self._ledger = ledger
        self._young_s = young_s
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
            self._sweep(owner, store)
        return store

    def _sweep(self, owner: str, store: BlobStore) -> None:
        try:
            swept, collected = store.sweep(), self._collect(owner, store)
        except Unavailable as error:
            logger.warning("blobs are not swept: %s", error)
        else:
            if swept:
                logger.info("removed %d half uploads that nobody went on with", swept)
            if collected:
                logger.info("removed %d blobs that no job needs any more", collected)

    def _collect(self, owner: str, store: BlobStore) -> int:
        """Remove what is old and what no job needs; return how many blobs that were."""
        before_ms = (time.time() - self._young_s) * 1000
        old = [blob.digest for blob in store.listing() if blob.written_at < before_ms]
        collected = 0
        for at in range(0, len(old), ASKED_AT_ONCE):
            unneeded = self._ledger.unneeded(owner, old[at : at + ASKED_AT_ONCE])
            store.delete(unneeded)
            collected += len(unneeded)
        return collected
