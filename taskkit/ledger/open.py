"""One way to open the ledger that a URL names, and what is kept beside it."""

from __future__ import annotations

from ..protocol.signing import Keyring
from .base import Ledger
from .tokens import Tokens


def open_ledger(url: str, keys: Keyring | None = None) -> Ledger:
    """Return the ledger at ``redis://`` or ``rediss://``; nothing is sent before its first use.

    `keys` sign and verify what it keeps; without any it is trusted.
    """
    from .redis_signed import SignedLedger

    return SignedLedger(url, keys or Keyring())


def open_tokens(url: str, keys: Keyring | None = None) -> Tokens:
    """Return the users' tokens that are kept beside that ledger, signed by the same keys."""
    from .redis_tokens import RedisTokens

    return RedisTokens(url, keys=keys or Keyring())
