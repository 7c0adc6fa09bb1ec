"""Tokens are kept, found by their hash alone, noted when used, and forgotten: in both stores."""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from typing import Any

import pytest
import redis

from taskkit.ledger import MemoryShares, MemoryTokens, Shares, Tokens
from taskkit.ledger.redis_tokens import RedisShares, RedisTokens
from taskkit.ledger.tokens import FORGOTTEN_AFTER_MS
from taskkit.protocol.signing import Keyring
from taskkit.protocol.tokens import Scope, TokenInfo
from taskkit_server.access.new_tokens import (
    digest_of,
    new_info,
    new_secret,
    new_share,
    new_share_secret,
)
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


@pytest.fixture(params=["memory", "redis"])
def shares(request: Any) -> Shares:
    """A store without a share."""
    if request.param == "memory":
        return MemoryShares()
    url = request.getfixturevalue("redis_url")
    return RedisShares(url, prefix=f"test-{secrets.token_hex(4)}:")


def test_a_share_is_kept_with_its_jobs(shares: Shares) -> None:
    """Found by its hash, listed, noted when used, revoked: as a token."""
    now = now_ms()
    info = new_share("ana", ["a", "b", "a"], now_ms=now, expires_at=now + 5000, note="for Bo")
    secret = new_share_secret()
    shares.add(info, digest_of(secret))
    assert info.jobs == ("a", "b")
    assert shares.find(digest_of(secret)) == info
    shares.touch(info.id, 9)
    assert shares.all(now) == [replace(info, used_at=9)]
    assert shares.valid({info.id}, now) == {info.id}
    assert shares.valid({info.id}, now + 5000) == set()
    assert shares.revoke(info.id)
    assert shares.find(digest_of(secret)) is None
    assert shares.all(now) == []


@pytest.mark.parametrize("keys", [Keyring(), Keyring(("k" * 32,))])
def test_what_looks_for_a_token_never_finds_a_share(redis_url: str, keys: Keyring) -> None:
    """So a server of the release before, which knows of no shares, lets nobody in by one.

    Also where somebody who can write to Redis has moved it to where the tokens are: it is signed as
    what it is, and without signatures it is of a form that the release before does not read.
    """
    prefix = f"test-{secrets.token_hex(4)}:"
    tokens = RedisTokens(redis_url, prefix=prefix, keys=keys)
    now = now_ms()
    info = new_share("ana", ["a"], now_ms=now, expires_at=now + 5000, note="")
    digest = digest_of(new_share_secret())
    RedisShares(redis_url, prefix=prefix, keys=keys).add(info, digest)
    assert tokens.find(digest) is None
    assert tokens.all(now) == []
    assert not tokens.revoke(info.id)
    client = redis.Redis.from_url(redis_url)
    client.hset(f"{prefix}tokens", digest, client.hget(f"{prefix}shares", digest))
    if keys:
        assert tokens.find(digest) is None
    else:
        with pytest.raises(TypeError, match="jobs"):
            tokens.find(digest)


def test_a_share_s_token_is_known_by_how_it_begins() -> None:
    """And is that of taskkit, whatever of it a release knows: it is never shown to a JupyterHub."""
    made = {new_share_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"tk_share_[A-Za-z0-9_-]{43}", secret) for secret in made)
