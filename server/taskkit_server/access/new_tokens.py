"""New tokens, and what is kept of one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import sha256

from taskkit.protocol.tokens import Scope, TokenInfo

PREFIX = "tk_"
"""What every token begins with, so that scanners for secrets know one."""


def new_secret() -> str:
    """Return a new token: 256 random bits, so that a plain hash of it is enough."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """Return what is kept of a token."""
    # One from JSON may hold half a surrogate pair, which plain UTF-8 cannot.
    return sha256(secret.encode(errors="surrogatepass")).hexdigest()


def new_info(
    user: str, scopes: Sequence[Scope], *, now_ms: int, expires_at: int | None, note: str
) -> TokenInfo:
    """Return what is kept of a new token."""
    ordered = tuple(scope for scope in Scope if scope in scopes)
    return TokenInfo(
        id=secrets.token_hex(6),
        user=user,
        scopes=ordered,
        created_at=now_ms,
        expires_at=expires_at,
        note=note,
    )
