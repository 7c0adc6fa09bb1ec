"""One way to open the ledger that a URL names."""

from __future__ import annotations

from .base import Ledger


def open_ledger(url: str) -> Ledger:
    """Return the ledger at ``redis://`` or ``rediss://``; nothing is sent before its first use."""
    from .redis import RedisLedger

    return RedisLedger(url)
