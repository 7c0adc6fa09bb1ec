"""Code and ledger of different ages: what goes together works, else it is refused in words."""

from __future__ import annotations

import secrets

import pytest
import redis

from taskkit.ledger.redis_schema import FORM, NEEDED, OLDEST_READ, agree
from taskkit.protocol.errors import Misconfigured, Unavailable


@pytest.fixture
def prefix() -> str:
    """Return where a ledger of the test's own is."""
    return f"tk-{secrets.token_hex(4)}:"


def stamp(url: str, prefix: str) -> tuple[int, int] | None:
    """Return the form and the needed one that the ledger bears."""
    found = redis.Redis.from_url(url).hmget(f"{prefix}schema", "form", "needed")
    return None if None in found else (int(found[0]), int(found[1]))


def test_a_new_ledger_is_stamped_once(redis_url: str, prefix: str) -> None:
    """And the same release finds itself at home in it."""
    agree(redis_url, prefix=prefix)
    assert stamp(redis_url, prefix) == (FORM, NEEDED)
    agree(redis_url, prefix=prefix)
    assert stamp(redis_url, prefix) == (FORM, NEEDED)


def test_a_ledger_of_the_release_before_is_taken_over(redis_url: str, prefix: str) -> None:
    """One without a stamp is what the releases before this one left."""
    client = redis.Redis.from_url(redis_url)
    client.hset(f"{prefix}u:ada:job:x", "state", "queued")
    agree(redis_url, prefix=prefix)
    agree(redis_url, prefix=prefix, form=FORM + 1, oldest_read=FORM, needed=FORM)
    assert stamp(redis_url, prefix) == (FORM + 1, FORM)
    assert client.hget(f"{prefix}u:ada:job:x", "state") == b"queued"


def test_the_release_before_runs_on_beside_a_newer_one(redis_url: str, prefix: str) -> None:
    """While the newer says that it may; it does not turn the stamp back."""
    agree(redis_url, prefix=prefix, form=FORM + 1, needed=FORM)
    agree(redis_url, prefix=prefix)
    assert stamp(redis_url, prefix) == (FORM + 1, FORM)


def test_a_ledger_that_needs_newer_code_is_refused(redis_url: str, prefix: str) -> None:
    """In words, with nothing written: also not how long jobs are kept."""
    agree(redis_url, prefix=prefix, form=FORM + 2, needed=FORM + 1)
    with pytest.raises(Misconfigured, match=rf"newer taskkit \(form {FORM + 2}.*up to {FORM}\)"):
        agree(redis_url, prefix=prefix, retention_s=1)
    client = redis.Redis.from_url(redis_url)
    assert client.get(f"{prefix}retention_ms") is None
    assert stamp(redis_url, prefix) == (FORM + 2, FORM + 1)


def test_a_ledger_that_is_too_old_is_refused(redis_url: str, prefix: str) -> None:
    """With the way out: the release between the two."""
    agree(redis_url, prefix=prefix)
    with pytest.raises(Misconfigured, match="start the release between the two"):
        agree(redis_url, prefix=prefix, form=FORM + 2, oldest_read=FORM + 1)
    assert stamp(redis_url, prefix) == (FORM, NEEDED)


def test_a_redis_that_is_away_is_no_refusal() -> None:
    """Who asks tries again."""
    with pytest.raises(Unavailable):
        agree("redis://127.0.0.1:1/0")


def test_this_code_reads_what_it_writes_and_the_release_before() -> None:
    """However the numbers come to be raised."""
    assert OLDEST_READ <= FORM - 1
    assert NEEDED <= FORM
