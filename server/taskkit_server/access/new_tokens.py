"""New tokens, and what is kept of one."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import sha256

from taskkit.protocol.tokens import Scope, ShareInfo, TokenInfo

PREFIX = "tk_"
"""What every token begins with, so that scanners for secrets know one."""

SHARE_PREFIX = f"{PREFIX}share_"
"""What that of a share begins with: it is looked for among shares, and nowhere else."""


def new_secret() -> str:
    """Return a new token: 256 random bits, so that a plain hash of it is enough."""
    while (secret := PREFIX + secrets.token_urlsafe(32)).startswith(SHARE_PREFIX):
        pass
    return secret


def new_share_secret() -> str:
    """Return a new share's token."""
    return SHARE_PREFIX + secrets.token_urlsafe(32)


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


def new_share(
    user: str, jobs: Sequence[str], *, now_ms: int, expires_at: int, note: str
) -> ShareInfo:
    """Return what is kept of a new share."""
    return ShareInfo(
        id=secrets.token_hex(6),
        user=user,
        scopes=(),
        created_at=now_ms,
        expires_at=expires_at,
        note=note,
        jobs=tuple(dict.fromkeys(jobs)),
    )
