"""How many jobs there are in each state: what every ledger promises, and how Redis keeps it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
import redis

from taskkit.ledger import JobRef, Ledger, StoredResult
from taskkit.ledger.redis import RECOUNTED, RedisLedger
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.jobs import ErrorInfo, JobState, ResultInfo
from taskkit.protocol.spec import JobSpec

Submit = Callable[..., Any]
NONE = dict.fromkeys(JobState, 0)
DONE = JobSucceeded(result=ResultInfo(media_type="application/json", size_bytes=1))
BROKEN = JobFailed(error=ErrorInfo(type="ValueError", message="no"))


def begun(ledger: Ledger, ref: JobRef) -> Any:
    """Begin a job, and return its lease."""
    claim = ledger.claim(ref, worker="w", pid=1)
    assert claim is not None
    return claim.lease


def test_each_state_is_counted(ledger: Ledger, submit: Submit) -> None:
    """Of one owner alone; a job counts once, however it came to where it is."""
    refs = [submit(f"key {n}") for n in range(8)]
    assert ledger.tally("ada") == {**NONE, JobState.QUEUED: 8}
    body = StoredResult(media_type="application/json", body=b"1")
    for ref in refs[:3]:
        lease = begun(ledger, ref)
        ledger.finish(lease, DONE, body)
        ledger.finish(lease, DONE, body)  # its answer was lost
    ledger.finish(begun(ledger, refs[3]), BROKEN, None)
    ledger.cancel(refs[4])
    ledger.cancel(refs[4])
    ledger.cancel(begun(ledger, refs[5]).ref)
    ledger.lose(begun(ledger, refs[6]), "killed")
    begun(ledger, refs[7])
    told = dict(zip(JobState, (1, 1, 3, 1, 2), strict=True))
    assert ledger.tally("ada") == told
    assert ledger.tally("bob") == NONE


@pytest.mark.parametrize("timings", [{"retention_s": 0.05}], ids=["retention of 50 ms"])
def test_what_is_not_kept_any_more_is_not_counted(
    ledger: Ledger, submit: Submit, advance: Callable[[float], None]
) -> None:
    """Nor listed; what is not final stays."""
    ended, cancelled, waiting = submit("ended"), submit("cancelled"), submit("waiting")
    ledger.finish(begun(ledger, ended), BROKEN, None)
    ledger.cancel(cancelled)
    advance(0.06)
    assert ledger.tally("ada") == {**NONE, JobState.QUEUED: 1}
    assert [record.id for record in ledger.jobs("ada")] == [waiting.id]


@pytest.fixture
def stored(redis_url: str) -> RedisLedger:
    """A ledger in Redis, under a prefix of its own."""
    return RedisLedger(redis_url, prefix=f"tk-{secrets.token_hex(4)}:")


def many_cancelled(ledger: RedisLedger, many: int) -> list[JobRef]:
    """Make jobs that are final."""
    made = ledger.submit("ada", [(f"key {n}", JobSpec(task="demo")) for n in range(many)])
    refs = [JobRef("ada", one.record.id) for one in made]
    for ref in refs:
        ledger.cancel(ref)
    return refs


def test_what_an_older_release_has_ended_is_counted(stored: RedisLedger, redis_url: str) -> None:
    """It writes no counts: they are made of the jobs, in steps, however many there are."""
    many = 2 * RECOUNTED + 1
    refs = many_cancelled(stored, many)
    client: Any = redis.Redis.from_url(redis_url)
    counts = stored._keys.final("ada", "cancelled")
    assert client.delete(counts) == 1
    assert stored.tally("ada") == {**NONE, JobState.CANCELLED: many}
    # And who has ended one beside this release: after a minute at the latest.
    assert client.zrem(counts, refs[0].id) == 1
    assert stored.tally("ada") == {**NONE, JobState.CANCELLED: many - 1}
    assert client.delete(f"{stored._keys.prefix}u:ada:recounted") == 1
    assert stored.tally("ada") == {**NONE, JobState.CANCELLED: many}


def test_jobs_of_a_copy_that_live_on_are_counted(stored: RedisLedger, redis_url: str) -> None:
    """Restored after their time, by the clock, they have as much of it left as they had then."""
    refs = many_cancelled(stored, 3)
    client: Any = redis.Redis.from_url(redis_url)
    counts = stored._keys.final("ada", "cancelled")
    client.zadd(counts, {ref.id: 1 for ref in refs})
    client.delete(stored._keys.job(refs[2]))
    assert stored.tally("ada") == {**NONE, JobState.CANCELLED: 2}
    assert min(score for _, score in client.zrange(counts, 0, -1, withscores=True)) > 1e12
    assert len(stored.jobs("ada")) == 2


def test_counts_that_nobody_asks_for_do_not_grow(redis_url: str) -> None:
    """Each job that ends takes two of those along whose time is over."""
    ledger = RedisLedger(redis_url, prefix=f"tk-{secrets.token_hex(4)}:", retention_s=0.001)
    many_cancelled(ledger, 300)
    client: Any = redis.Redis.from_url(redis_url)
    assert client.zcard(ledger._keys.final("ada", "cancelled")) < 30
    assert client.zcard(ledger._keys.jobs("ada")) < 30
