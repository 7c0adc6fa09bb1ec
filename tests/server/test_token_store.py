"""Tokens are kept, found by their hash alone, noted when used, and forgotten: in both stores."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
import redis

from taskkit.ledger import MemoryTokens, Tokens
from taskkit.ledger.redis_tokens import RedisTokens
from taskkit.ledger.tokens import FORGOTTEN_AFTER_MS
from taskkit.protocol.tokens import Scope, TokenInfo
from taskkit_server.access.new_tokens import digest_of, new_info, new_secret
from taskkit_server.clock import now_ms


@pytest.fixture(params=["memory", "redis"])
def tokens(request: Any) -> Tokens:
    """A store without a token."""
    if request.param == "memory":
        return MemoryTokens()
    url = request.getfixturevalue("redis_url")
    return RedisTokens(url, prefix=f"test-{secrets.token_hex(4)}:")


def make(tokens: Tokens, user: str = "ana", **fields: Any) -> tuple[TokenInfo, str]:
    """Make a token; return what is kept of it, and itself."""
    given = {"now_ms": now_ms(), "expires_at": None, "note": "", **fields}
    info = new_info(user, [Scope.CANCEL, Scope.READ], **given)
    secret = new_secret()
    tokens.add(info, digest_of(secret))
    return info, secret


def test_a_token_is_found_by_its_hash(tokens: Tokens) -> None:
    """With all that was said of it."""
    info, secret = make(tokens, note="ana's laptop é", expires_at=now_ms() + 5000)
    assert tokens.find(digest_of(secret)) == info
    assert info.scopes == (Scope.READ, Scope.CANCEL)
    assert tokens.find(digest_of("tk_other")) is None
    assert tokens.find(secret) is None


def test_no_two_are_alike() -> None:
    """Each is long enough that nobody guesses it."""
    made = {new_secret() for _ in range(1000)}
    assert len(made) == 1000
    assert all(secret.startswith("tk_") and len(secret) == 46 for secret in made)


def test_all_are_listed_the_oldest_first(tokens: Tokens) -> None:
    """Those that expired are, for a while."""
    now = now_ms()
    first, _ = make(tokens, now_ms=now - 9000)
    expired, _ = make(tokens, "bob", now_ms=now - 8000, expires_at=now - 10)
    make(tokens, now_ms=now - 9, expires_at=now - FORGOTTEN_AFTER_MS - 10)
    last, _ = make(tokens, now_ms=now)
    assert tokens.all(now_ms()) == [first, expired, last]
    assert tokens.all(now_ms()) == [first, expired, last]


def test_a_revoked_one_is_gone(tokens: Tokens) -> None:
    """At once, and its like stay."""
    info, secret = make(tokens)
    other, other_secret = make(tokens)
    assert tokens.revoke(info.id)
    assert not tokens.revoke(info.id)
    assert not tokens.revoke("nobody")
    assert tokens.find(digest_of(secret)) is None
    assert tokens.find(digest_of(other_secret)) == other
    tokens.touch(info.id, 5)
    assert tokens.all(now_ms()) == [other]


def test_some_are_valid(tokens: Tokens) -> None:
    """Not those revoked, expired or unknown."""
    now = now_ms()
    good, _ = make(tokens, expires_at=now + 60_000)
    short, _ = make(tokens, expires_at=now + 1000)
    gone, _ = make(tokens)
    tokens.revoke(gone.id)
    ids = {good.id, short.id, gone.id, "nobody"}
    assert tokens.valid(ids, now) == {good.id, short.id}
    assert tokens.valid(ids, now + 1000) == {good.id}
    assert tokens.valid(set(), now) == set()


def test_when_it_was_last_used_is_known(tokens: Tokens) -> None:
    """The latest word counts."""
    info, secret = make(tokens)
    assert info.used_at is None
    for at in (5, 9):
        tokens.touch(info.id, at)
    found = tokens.find(digest_of(secret))
    assert found is not None
    assert found.used_at == 9
    assert tokens.all(now_ms())[0].used_at == 9


def test_redis_holds_no_token(redis_url: str) -> None:
    """Who reads all of it can use none."""
    prefix = f"test-{secrets.token_hex(4)}:"
    _, secret = make(RedisTokens(redis_url, prefix=prefix))
    client = redis.Redis.from_url(redis_url)
    found = [client.hgetall(key) for key in client.scan_iter(f"{prefix}*")]
    assert len(found) == 2
    assert secret.removeprefix("tk_") not in str(found)
