"""A Redis that cannot write is unavailable, and nothing is half-done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from taskkit.ledger import JobRef
from taskkit.ledger.connection import refusals
from taskkit.ledger.redis import RedisLedger
from taskkit.protocol.broker import BROKER_QUEUE
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.events import JobSucceeded, OutputWritten
from taskkit.protocol.jobs import ResultInfo
from taskkit.protocol.spec import JobSpec

SPEC = JobSpec(task="demo")


@pytest.fixture
def url(start_redis: Callable[..., str]) -> str:
    """A Redis that this test may fill up."""
    return start_redis('save ""')


@pytest.fixture
def admin(url: str) -> Iterator[Any]:
    """Its administrator."""
    with redis.Redis.from_url(url) as client:
        yield client


def test_a_full_redis_refuses_a_job_whole(url: str, admin: Any) -> None:
    """No trace of it is left, and the same request is accepted when there is memory."""
    ledger = RedisLedger(url)
    ledger.submit("ada", [("first", SPEC)])
    before = sorted(admin.keys())
    admin.config_set("maxmemory", 1)
    with pytest.raises(Unavailable, match="refuses to work"):
        ledger.submit("ada", [("second", SPEC), ("third", SPEC)], message=lambda queue: queue)
    with pytest.raises(Unavailable, match="refuses to work"):
        ledger.check()
    assert sorted(admin.keys()) == before
    assert admin.llen(BROKER_QUEUE) == 0
    assert [job.seq for job in ledger.jobs("ada")] == [1]
    admin.config_set("maxmemory", 0)
    [answer] = ledger.submit("ada", [("second", SPEC)])
    assert answer.is_new


def test_what_a_full_redis_refuses_of_an_attempt_can_be_told_later(url: str, admin: Any) -> None:
    """The lease holds meanwhile, and the job is finished as if nothing had been."""
    ledger = RedisLedger(url)
    [job] = ledger.submit("ada", [("first", SPEC)])
    claim = ledger.claim(JobRef("ada", job.record.id), worker="w", pid=1)
    assert claim is not None
    said = [OutputWritten(text="so far")]
    outcome = JobSucceeded(result=ResultInfo(media_type="application/json", size_bytes=1))
    admin.config_set("maxmemory", 1)
    with pytest.raises(Unavailable):
        ledger.append(claim.lease, 1, said)
    admin.config_set("maxmemory", 0)
    assert ledger.append(claim.lease, 1, said).value == "done"
    assert ledger.finish(claim.lease, outcome, None).value == "done"


def test_a_redis_that_became_a_replica_is_unavailable(url: str, admin: Any) -> None:
    """As after a failover, until the address means the new primary."""
    ledger = RedisLedger(url)
    admin.replicaof("127.0.0.1", 1)
    with pytest.raises(Unavailable, match="refuses to work"):
        ledger.submit("ada", [("first", SPEC)])


@pytest.mark.parametrize(
    "words",
    [
        "MISCONF Errors writing to the AOF file: No space left on device",
        "NOREPLICAS Not enough good replicas to write.",
        "BUSY Redis is busy running a script.",
        # Source: Valkey 9.1, of a script.
        "NOPERM User ana has no permissions to run the 'getdel' command script: 5f, on "
        "@user_script:46.",
        # Source: Redis 6.2.5, what a script meets.
        "Error running script (call to f_1284946c): @user_script:1: @user_script: 1: -OOM command "
        "not allowed when used memory > 'maxmemory'.",
    ],
)
def test_what_redis_says_when_it_cannot_is_understood(words: str) -> None:
    """Also what the client library has no class for."""
    with pytest.raises(Unavailable), refusals():
        raise redis.ResponseError(words)


def test_a_mistake_of_ours_is_none_of_it() -> None:
    """It stays the error that it is, in the server's log."""
    with pytest.raises(redis.ResponseError), refusals():
        raise redis.ResponseError("WRONGTYPE Operation against a key holding OOM values")
