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
from taskkit.protocol.errors import BlobNotFound, QuotaReached, Unavailable

logger = logging.getLogger(__name__)

SWEEP_S = 3600.0
"""How often an owner's blobs are looked through, while the owner asks for anything."""

YOUNG_S = 24 * 3600.0
"""For how long a blob is kept that no job needs: it may have been sent for one that is to come."""

ASKED_AT_ONCE = 1000

WEIGHED_S = 10.0
"""How long is taken for true what an owner's blobs weighed; workers add to them, too."""


class OwnedBlobs:
    """Opens an owner's store when it is first asked for, and removes what nobody needs any more.

    place: a folder or a URL, None where no blobs are kept. cache: a folder for copies of what is at
    a URL. max_stored_bytes: how many one owner may have.
    """

    def __init__(
        self,
        ledger: Ledger,
        place: str | None,
        cache: Path | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        young_s: float = YOUNG_S,
        max_stored_bytes: int | None = None,
    ) -> None:
        self._ledger = ledger
        self._young_s = young_s
        self._place = place
        self._cache = cache
        self._clock = clock
        self._stores: dict[str, BlobStore] = {}
        self._swept_at: dict[str, float] = {}
        self._max_stored_bytes = max_stored_bytes
        self._weighed: dict[str, tuple[int, float]] = {}
        #: By owner, how many bytes, and when they were counted.
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

    @property
    def is_limited(self) -> bool:
        """Whether owners may have only so many bytes, so that all must come by this server."""
        return self._max_stored_bytes is not None

    def require_quota(self, owner: str, more_bytes: int) -> None:
        """Return if an owner may have that many bytes more.

        Raises:
            QuotaReached: They would be too many.
        """
        most = self._max_stored_bytes
        if most is None:
            return
        with self._lock:
            bytes_, weighed_at = self._weighed.get(owner, (0, float("-inf")))
        if self._clock() >= weighed_at + WEIGHED_S:
            bytes_ = sum(blob.size_bytes for blob in self.of(owner).listing())
            with self._lock:
                self._weighed[owner] = bytes_, self._clock()
        if bytes_ + more_bytes > most:
            raise QuotaReached(
                f"you have {bytes_ / 2**20:,.0f} MiB of large values here, and may have "
                f"{most / 2**20:,.0f}: {more_bytes / 2**20:,.1f} MiB more do not fit. Values go a "
                "week after their jobs are over."
            )

    def add_weight(self, owner: str, bytes_: int) -> None:
        """Note that an owner has more than was counted last."""
        with self._lock:
            weighed = self._weighed.get(owner)
            if weighed is not None:
                self._weighed[owner] = weighed[0] + bytes_, weighed[1]

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
