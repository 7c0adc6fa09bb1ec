"""Users' tokens and shares in Redis, for all servers of a stack."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any, ClassVar, Generic, TypeVar

from ..protocol.errors import BadSignature
from ..protocol.signing import Keyring
from ..protocol.tokens import Scope, ShareInfo, TokenInfo
from .connection import Connection, refusals
from .tokens import FORGOTTEN_AFTER_MS

T = TypeVar("T", bound=TokenInfo)

logger = logging.getLogger(__name__)


class _InRedis(Generic[T]):
    """See `Kept`. Three hashes: hash -> token, id -> hash, and id -> when it was last used.

    A token is signed with its hash and as what it is, for it opens what runs code. One that is not
    is passed over.
    """

    name: ClassVar[str]
    #: Of the keys.
    what: ClassVar[str]
    #: What is signed as such cannot stand for anything else.

    def __init__(self, url: str, *, prefix: str = "tk:", keys: Keyring | None = None) -> None:
        self._signing = keys or Keyring()
        self._redis: Any = Connection(url, (prefix,)).redis
        self._tokens = f"{prefix}{self.name}"
        self._digests = f"{prefix}{self.name}:digests"
        self._used = f"{prefix}{self.name}:used"

    def add(self, info: T, digest: str) -> None:
        with refusals(), self._redis.pipeline(transaction=True) as both:
            both.hset(self._tokens, digest, self._written(info, digest))
            both.hset(self._digests, info.id, digest)
            both.execute()

    def find(self, digest: str) -> T | None:
        with refusals():
            found = self._redis.hget(self._tokens, digest)
            if found is None:
                return None
            info = self._read(found, digest)
            if info is None:
                return None
            return replace(info, used_at=_time(self._redis.hget(self._used, info.id)))

    def all(self, at_ms: int) -> list[T]:
        with refusals():
            found = self._redis.hgetall(self._tokens)
            read = [self._read(token, digest.decode()) for digest, token in found.items()]
            tokens = [info for info in read if info is not None]
            used = self._redis.hgetall(self._used)
        before = at_ms - FORGOTTEN_AFTER_MS
        for info in tokens:
            if info.is_expired(before):
                self.revoke(info.id)
        there = [info for info in tokens if not info.is_expired(before)]
        with_use = [replace(info, used_at=_time(used.get(info.id.encode()))) for info in there]
        return sorted(with_use, key=lambda info: (info.created_at, info.id))

    def revoke(self, id: str) -> bool:
        with refusals():
            digest = self._redis.hget(self._digests, id)
            if digest is None:
                return False
            with self._redis.pipeline(transaction=True) as all_three:
                all_three.hdel(self._tokens, digest)
                all_three.hdel(self._digests, id)
                all_three.hdel(self._used, id)
                removed, _, _ = all_three.execute()
            return bool(removed)

    def valid(self, ids: Collection[str], at_ms: int) -> set[str]:
        if not ids:
            return set()
        with refusals():
            digests = [found for found in self._redis.hmget(self._digests, list(ids)) if found]
            tokens = self._redis.hmget(self._tokens, digests) if digests else []
        pairs = zip(digests, tokens, strict=True)
        there = [self._read(found, digest.decode()) for digest, found in pairs if found]
        return {info.id for info in there if info is not None and not info.is_expired(at_ms)}

    def touch(self, id: str, at_ms: int) -> None:
        with refusals():
            if self._redis.hexists(self._digests, id):
                self._redis.hset(self._used, id, at_ms)

    def _written(self, info: T, digest: str) -> bytes:
        data = asdict(info)
        del data["used_at"]
        text = json.dumps(data, separators=(",", ":"))
        return self._signing.sign(text.encode(), self.what, digest)

    def _read(self, found: bytes, digest: str) -> T | None:
        try:
            data = json.loads(bytes(self._signing.open(found, self.what, digest)))
        except BadSignature as error:
            logger.warning("%s in Redis opens nothing: %s", self.what, error)
            return None
        return self._info({**data, "scopes": tuple(Scope(name) for name in data["scopes"])})

    def _info(self, data: dict[str, Any]) -> T:
        raise NotImplementedError


class RedisTokens(_InRedis[TokenInfo]):
    """See `Tokens`."""

    name = "tokens"
    what = "the token"

    def _info(self, data: dict[str, Any]) -> TokenInfo:
        return TokenInfo(**data)


class RedisShares(_InRedis[ShareInfo]):
    """See `Shares`."""

    name = "shares"
    what = "the share"

    def _info(self, data: dict[str, Any]) -> ShareInfo:
        return ShareInfo(**{**data, "jobs": tuple(data["jobs"])})


def _time(value: bytes | None) -> int | None:
    return None if value is None else int(value)
