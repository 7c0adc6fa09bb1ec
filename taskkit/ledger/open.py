"""One way to open the ledger that a URL names, and what is kept beside it."""

from __future__ import annotations

from .base import Ledger
from .figures import Figures
from .tokens import Tokens


def open_ledger(url: str) -> Ledger:
    """Return the ledger at ``redis://`` or ``rediss://``; nothing is sent before its first use."""
    from .redis import RedisLedger

    return RedisLedger(url)


def open_tokens(url: str) -> Tokens:
    """Return the users' tokens that are kept beside that ledger."""
    from .redis_tokens import RedisTokens

    return RedisTokens(url)


def open_figures(url: str) -> Figures:
    """Return what counts and tells how that ledger stands."""
    from .redis_figures import RedisFigures

    return RedisFigures(url)
