"""What real servers tell of themselves, under settings that people have."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import redis

from taskkit.ledger import examine
from taskkit.ledger.fitness import Facts
from taskkit.ledger.redis_facts import facts_of
from taskkit.protocol.errors import Unavailable
from taskkit.stack.identity import free_port

StartRedis = Callable[..., str]

BEST = ("appendonly yes", "appendfsync always", 'save ""')


def test_settings_that_keep_everything_are_taken_without_a_word(start_redis: StartRedis) -> None:
    """Those of the embedded Redis."""
    url = start_redis(*BEST)
    facts = facts_of(url)
    assert facts.version is not None
    assert facts == Facts(
        address=url.removeprefix("redis://").removesuffix("/0"),
        version=facts.version,
        fsync="always",
        pauses_fsync=False,
        snapshots="",
        least_replicas=0,
    )
    assert examine(url).require() == ()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("appendonly yes", "appendfsync everysec"), "about the last two seconds"),
        (("appendonly yes", "appendfsync no"), "appendfsync no"),
        ((*BEST, "no-appendfsync-on-rewrite yes"), "no-appendfsync-on-rewrite"),
        (("appendonly no", "save 3600 1"), "snapshots only (save 3600 1)"),
        (("appendonly no", 'save ""'), "writes nothing to the disk"),
        ((*BEST, "maxmemory-policy volatile-ttl"), "maxmemory-policy volatile-ttl"),
    ],
)
def test_settings_that_can_lose_jobs_are_warned_of(
    start_redis: StartRedis, settings: tuple[str, ...], words: str
) -> None:
    """One warning, for what can be lost."""
    [warning] = examine(start_redis(*settings)).require()
    assert words in warning


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("maxmemory 50mb", "maxmemory-policy allkeys-lru"), "drops jobs when its 50 MiB"),
        # Else its second port would be one of those that connections are given at random.
        (("cluster-enabled yes", "cluster-port {port}"), "without cluster mode"),
        (("replicaof 127.0.0.1 1",), "a replica of 127.0.0.1:1"),
    ],
)
def test_settings_that_do_not_keep_jobs_are_refused(
    start_redis: StartRedis, settings: tuple[str, ...], words: str
) -> None:
    """Whatever else is right with them."""
    told = (setting.format(port=free_port()) for setting in settings)
    with pytest.raises(Unavailable) as caught:
        examine(start_redis(*BEST, *told)).require()
    assert words in str(caught.value)


def test_a_redis_that_hides_its_settings_is_taken_and_said_to(start_redis: StartRedis) -> None:
    """As managed ones do; what INFO tells is heeded all the same."""
    hidden = 'rename-command CONFIG ""'
    [warning] = examine(start_redis(*BEST, hidden)).require()
    assert "CONFIG GET is refused" in warning
    evicting = start_redis(*BEST, hidden, "maxmemory 50mb", "maxmemory-policy allkeys-lru")
    assert "drops jobs" in str(examine(evicting).refusal)


def test_a_user_who_may_not_ask_is_no_failure(start_redis: StartRedis) -> None:
    """Neither INFO nor CONFIG is needed for jobs."""
    url = start_redis(*BEST)
    with redis.Redis.from_url(url) as admin:
        admin.acl_setuser(
            "poor", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-@admin"]
        )
        admin.execute_command("ACL", "SETUSER", "poor", "-info")
    poor = url.replace("redis://", "redis://poor:pw@")
    [warning] = examine(poor).require()
    assert "CONFIG GET is refused" in warning
    assert "pw" not in warning


def test_a_redis_that_is_away_is_not_judged() -> None:
    """It may be fit all the same."""
    with pytest.raises(Unavailable, match="does not answer"):
        examine("redis://127.0.0.1:1/0")


def test_what_is_no_address_of_a_redis_is_one_sentence() -> None:
    """Not a traceback of another library."""
    with pytest.raises(Unavailable, match="address of Redis"):
        examine("http://127.0.0.1:1/0")
