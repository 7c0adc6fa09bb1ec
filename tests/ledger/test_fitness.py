"""Which Redis may keep jobs, and what it may lose: judged by what it tells of itself."""

from __future__ import annotations

import doctest
from dataclasses import replace
from typing import Any

import pytest

from taskkit.ledger import fitness
from taskkit.ledger.fitness import Facts, judge
from taskkit.protocol.errors import Unavailable

BEST = Facts(
    address="db:6379",
    version=(7, 2, 4),
    has_aof=True,
    fsync="always",
    pauses_fsync=False,
    snapshots="",
)
"""A Redis that loses nothing."""

EVICTING = [
    *("allkeys-lru", "allkeys-lfu", "allkeys-random"),
    *("volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"),
]


def test_a_redis_that_loses_nothing_is_taken_without_a_word() -> None:
    """Neither refused nor warned of."""
    verdict = judge(BEST)
    assert (verdict.refusal, verdict.warnings) == (None, ())
    assert verdict.require() == ()


@pytest.mark.parametrize("policy", EVICTING)
def test_a_redis_that_evicts_is_refused(policy: str) -> None:
    """Also where only keys with an expiry go: final jobs have one, and their results with them."""
    verdict = judge(replace(BEST, max_memory_bytes=100 * 2**20, eviction=policy))
    assert verdict.refusal == (
        "Redis at db:6379 drops jobs when its 100 MiB of memory are full "
        f"(maxmemory-policy {policy}): set maxmemory-policy to noeviction."
    )
    with pytest.raises(Unavailable) as caught:
        verdict.require()
    assert str(caught.value) == verdict.refusal


@pytest.mark.parametrize("policy", EVICTING)
def test_a_redis_that_would_evict_at_a_limit_that_it_has_not_is_warned_of(policy: str) -> None:
    """Without a maxmemory nothing is dropped; who sets one later should have read this."""
    verdict = judge(replace(BEST, eviction=policy))
    [warning] = verdict.require()
    assert policy in warning
    assert warning.endswith("set maxmemory-policy to noeviction.")


def test_a_limit_alone_is_fine() -> None:
    """A full Redis then refuses what comes, and the server says so."""
    assert judge(replace(BEST, max_memory_bytes=1)).require() == ()


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"version": (6, 0, 16)}, "version 6.0.16 and the ledger needs 6.2: upgrade it"),
        ({"is_cluster": True}, "use a Redis without cluster mode"),
        ({"replica_of": "main:6380"}, "a replica of main:6380, which alone can be written"),
    ],
)
def test_what_the_scripts_cannot_work_on_is_refused(facts: dict[str, Any], words: str) -> None:
    """In one sentence, which says what to do."""
    refusal = judge(replace(BEST, **facts)).refusal
    assert refusal is not None
    assert words in refusal
    assert refusal.startswith("Redis at db:6379 is ")
    assert refusal.endswith(".")
    assert "\n" not in refusal


@pytest.mark.parametrize("version", [(6, 2), (6, 2, 0), (6, 10), (7, 0, 15), (8, 8), None])
def test_a_version_that_is_new_enough_or_not_told_is_taken(version: tuple[int, ...] | None) -> None:
    """Versions are compared number by number."""
    assert judge(replace(BEST, version=version)).refusal is None


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"fsync": "everysec"}, ["appendfsync everysec", "two seconds", "Redis alone loses none"]),
        ({"fsync": "no"}, ["appendfsync no", "whatever the kernel had not written"]),
        ({"fsync": None}, ["CONFIG GET is refused", "unless its appendfsync is always"]),
        ({"pauses_fsync": True}, ["set no-appendfsync-on-rewrite to no"]),
        ({"has_aof": False}, ["writes nothing to the disk", "loses all jobs", "appendonly to yes"]),
        (
            {"has_aof": False, "snapshots": "3600 1 300 100"},
            ["snapshots only (save 3600 1 300 100)", "since the last one", "appendonly to yes"],
        ),
        (
            {"has_aof": False, "snapshots": None},
            ["no append-only file", "CONFIG GET is refused", "appendonly to yes"],
        ),
    ],
)
def test_what_can_be_lost_is_said(facts: dict[str, Any], words: list[str]) -> None:
    """In one sentence each, and the Redis is taken."""
    [warning] = judge(replace(BEST, **facts)).require()
    assert all(word in warning for word in words)
    assert warning.startswith("Redis at db:6379 ")
    assert warning.endswith(".")
    assert "\n" not in warning


def test_snapshots_beside_an_append_only_file_do_not_matter() -> None:
    """The file has everything."""
    assert judge(replace(BEST, snapshots="3600 1")).require() == ()


def test_the_example_in_the_docstring_runs() -> None:
    """As it is written."""
    result = doctest.testmod(fitness, raise_on_error=False)
    assert result.attempted > 0
    assert result.failed == 0
