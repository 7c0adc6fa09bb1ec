"""Where the blobs of a job's owner are asked for, wherever they are."""

from __future__ import annotations

from typing import Protocol

from taskkit.blobs import Blobs


class OwnsBlobs(Protocol):
    """Stores of blobs, one an owner."""

    def of(self, owner: str) -> Blobs | None:
        """Return an owner's store."""

    def patient(self, owner: str) -> Blobs | None:
        """Return it as one that is waited for where it is away."""
