"""Users' tokens and shares: kept, found, revoked. Of a token itself only its hash is known here.

The two are kept apart: what looks for a token never finds a share, also where it is of a release
that knows of none.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from ..protocol.tokens import ShareInfo, TokenInfo

T = TypeVar("T", bound=TokenInfo)

FORGOTTEN_AFTER_MS = 30 * 86_400_000
"""For how long an expired token is listed."""


class Kept(Protocol[T]):
    """Tokens of one kind of a stack. Safe from any thread.

    Raises:
        Unavailable: From any method: they cannot be asked for at the moment.
    """

    def add(self, info: T, digest: str) -> None:
        """Keep a token."""

    def find(self, digest: str) -> T | None:
        """Return the token that has this hash, if it was not revoked. It may have expired."""

    def all(self, at_ms: int) -> list[T]:
        """Return all tokens, the oldest first; forget those that expired a month before."""

    def revoke(self, id: str) -> bool:
        """Forget a token; return whether there was one."""

    def valid(self, ids: Collection[str], at_ms: int) -> set[str]:
        """Return those of some tokens that are neither revoked nor expired."""

    def touch(self, id: str, at_ms: int) -> None:
        """Note that a token was used."""


class Tokens(Kept[TokenInfo], Protocol):
    """The tokens of users."""


class Shares(Kept[ShareInfo], Protocol):
    """The links to some jobs of theirs."""


class _InMemory(Generic[T]):
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_digest: dict[str, T] = {}

    def add(self, info: T, digest: str) -> None:
        with self._lock:
            self._by_digest[digest] = info

    def find(self, digest: str) -> T | None:
        with self._lock:
            return self._by_digest.get(digest)

    def all(self, at_ms: int) -> list[T]:
        with self._lock:
            before = at_ms - FORGOTTEN_AFTER_MS
            kept = {d: info for d, info in self._by_digest.items() if not info.is_expired(before)}
            self._by_digest = kept
            return sorted(kept.values(), key=_by_age)

    def revoke(self, id: str) -> bool:
        with self._lock:
            digest = self._digest(id)
            return digest is not None and self._by_digest.pop(digest, None) is not None

    def valid(self, ids: Collection[str], at_ms: int) -> set[str]:
        with self._lock:
            there = self._by_digest.values()
            return {one.id for one in there if one.id in ids and not one.is_expired(at_ms)}

    def touch(self, id: str, at_ms: int) -> None:
        with self._lock:
            digest = self._digest(id)
            if digest is not None:
                self._by_digest[digest] = replace(self._by_digest[digest], used_at=at_ms)

    def _digest(self, id: str) -> str | None:
        return next((digest for digest, info in self._by_digest.items() if info.id == id), None)


class MemoryTokens(_InMemory[TokenInfo]):
    """Of one process; for tests, and servers of which nobody else has tokens."""


class MemoryShares(_InMemory[ShareInfo]):
    """Likewise."""


def _by_age(info: TokenInfo) -> tuple[int, str]:
    return info.created_at, info.id
