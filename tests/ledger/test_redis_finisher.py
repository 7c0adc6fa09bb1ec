"""Finishing unheard on a Redis that goes away, or has forgotten the scripts."""

from __future__ import annotations

import secrets
from pathlib import Path

import redis
from redis_process import running_redis

from taskkit.ledger import JobRef, Lease, Ledger, StoredResult, Write
from taskkit.ledger.redis import RedisLedger
from taskkit.protocol.events import JobSucceeded
from taskkit.protocol.jobs import ResultInfo
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.wire import JSON

DONE = JobSucceeded(result=ResultInfo(media_type=JSON, size_bytes=2, preview="42"))
STORED = StoredResult(media_type=JSON, body=b"42")


def begun(ledger: Ledger) -> Lease:
    """Make a job that runs."""
    [made] = ledger.submit("ada", [(secrets.token_hex(8), JobSpec(task="demo"))])
    claim = ledger.claim(JobRef("ada", made.record.id), worker="w1", pid=7)
    assert claim is not None
    return claim.lease


def test_what_was_sent_is_done_though_nobody_hears_of_it(redis_url: str) -> None:
    """As of a process that dies: its connection ends with the answers unread."""
    ledger, other = RedisLedger(redis_url), RedisLedger(redis_url)
    lease = begun(ledger)
    ledger.finish(begun(ledger), DONE, STORED)  # by which the script is known
    finisher = ledger.finisher()
    finisher.send(lease, DONE, STORED)
    finisher.send(begun(other), DONE, STORED)
    assert other.finish(lease, DONE, STORED) is Write.REPEATED
    assert finisher.answers() == [Write.DONE, Write.DONE]


def test_a_connection_that_breaks_leaves_it_open(tmp_path: Path) -> None:
    """What was sent behind it was not done either; then all goes on over another one."""
    with running_redis(tmp_path) as url:
        ledger, client = RedisLedger(url), redis.Redis.from_url(url)
        ledger.finish(begun(ledger), DONE, STORED)
        first, second = begun(ledger), begun(ledger)
        finisher = ledger.finisher()
        finisher.send(first, DONE, STORED)
        assert ledger.finish(first, DONE, STORED) is Write.REPEATED
        own = str(client.client_id())
        others = [one["id"] for one in client.client_list() if one["id"] != own]
        for id in others:
            client.client_kill_filter(_id=id)
        finisher.send(second, DONE, STORED)
        assert finisher.answers()[1] is None
        assert ledger.finish(second, DONE, STORED) is Write.DONE
        finisher.send(second, DONE, STORED)
        assert finisher.answers() == [Write.REPEATED]


def test_a_redis_that_has_forgotten_the_script_leaves_it_open(tmp_path: Path) -> None:
    """It came anew; who is to finish the job by itself brings the script."""
    with running_redis(tmp_path) as url:
        ledger, client = RedisLedger(url), redis.Redis.from_url(url)
        lease = begun(ledger)
        client.script_flush()
        finisher = ledger.finisher()
        finisher.send(lease, DONE, STORED)
        assert finisher.answers() == [None]
        assert ledger.finish(lease, DONE, STORED) is Write.DONE
        finisher.send(lease, DONE, STORED)
        assert finisher.answers() == [Write.REPEATED]
