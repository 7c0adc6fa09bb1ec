"""What lanes leave in Redis: little, and not for long."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest
import redis

from taskkit.ledger import Claim, JobRef
from taskkit.ledger.redis import RedisLedger
from taskkit.protocol.broker import wake_up
from taskkit.protocol.events import JobSucceeded
from taskkit.protocol.jobs import ResultInfo
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.workers import WorkerInfo

DONE = JobSucceeded(result=ResultInfo(media_type="application/json", size_bytes=2))
PACKAGES = {f"package-{n}": f"{n}.0" for n in range(200)}


class Kept:
    """A ledger, and what is in its Redis."""

    def __init__(self, url: str, **terms: Any) -> None:
        self.prefix = f"tk-{secrets.token_hex(4)}:"
        self.ledger = RedisLedger(url, prefix=self.prefix, **terms)
        self.client = redis.Redis.from_url(url, decode_responses=True)

    def keys(self, pattern: str = "*") -> list[str]:
        """Return the keys that match, without the prefix."""
        found = self.client.scan_iter(f"{self.prefix}{pattern}")
        return sorted(name.removeprefix(self.prefix) for name in found)

    def join(self, name: str, packages: dict[str, str] = PACKAGES) -> None:
        """Have a worker of one image join, and seek."""
        info = WorkerInfo(
            name=f"{self.prefix}{name}",
            host="lab",
            pid=1,
            processes=1,
            python="3.11.7",
            cores=2,
            tags=("gpu",),
            environment="e" * 32,
        )
        self.ledger.join(info, packages)
        self.ledger.seek(info.name)

    def submit(self, **options: Any) -> JobRef:
        """Submit a job."""
        spec = JobSpec(task="demo", options=JobOptions(**options))
        [made] = self.ledger.submit("ada", [(secrets.token_hex(8), spec)], message=wake_up)
        return JobRef("ada", made.record.id)


@pytest.fixture
def kept(redis_url: str) -> Kept:
    """A ledger of this test."""
    return Kept(redis_url)


def test_workers_of_one_image_keep_its_packages_once(kept: Kept) -> None:
    """However many they are; it ends by itself when nobody beats any more."""
    for n in range(20):
        kept.join(f"w{n}")
    assert kept.keys("environment:*") == [f"environment:{'e' * 32}"]
    key = f"{kept.prefix}environment:{'e' * 32}"
    assert json.loads(kept.client.get(key) or "") == PACKAGES
    assert 0 < kept.client.pttl(key) <= 120_000
    kept.client.pexpire(key, 1000)
    assert kept.ledger.beat(f"{kept.prefix}w3") == []
    assert kept.client.pttl(key) > 1000
    kept.client.delete(key)
    assert kept.ledger.beat(f"{kept.prefix}w3") is None, "it says again what it has"


def test_a_worker_that_leaves_leaves_nothing(kept: Kept) -> None:
    """No lanes, no list of its own, nothing that kombu has noted of that."""
    kept.join("w")
    name = f"{kept.prefix}w"
    kept.submit(tags=("gpu",))
    binding = f"_kombu.binding.taskkit.jobs.@{name}"
    kept.client.sadd(binding, "x")
    assert kept.client.llen(f"taskkit.jobs.@{name}") == 1
    assert kept.keys(f"worker:{name}*")
    kept.ledger.leave(name, "stopped")
    assert kept.keys(f"worker:{name}*") == []
    assert kept.keys("lane:*:workers") == []
    assert kept.client.exists(binding, f"taskkit.jobs.@{name}") == 0


def test_a_lane_is_forgotten_when_it_was_not_used_for_long(kept: Kept) -> None:
    """Not while one of its jobs is active, however long that is."""
    kept.join("w")
    kept.submit(tags=("gpu",))
    claim = kept.ledger.claim_next("default", worker=f"{kept.prefix}w", pid=1)
    assert isinstance(claim, Claim)
    used = f"{kept.prefix}lanes:used"
    [lane] = kept.client.zrange(used, 0, -1)
    kept.client.zadd(used, {lane: 1})
    kept.ledger.sweep()
    assert kept.client.hexists(f"{kept.prefix}lanes", lane)
    kept.ledger.finish(claim.lease, DONE, None)
    kept.client.zadd(used, {lane: 1})
    kept.ledger.sweep()
    assert kept.keys("lane*") == ["lanes:wakes"]
    # Who comes again is found again, also by those who have known the lane.
    again = kept.submit(tags=("gpu",))
    kept.ledger.seek(f"{kept.prefix}w")
    kept.ledger.seek(f"{kept.prefix}w")
    later = kept.ledger.claim_next("default", worker=f"{kept.prefix}w", pid=1)
    assert isinstance(later, Claim)
    assert later.lease.ref == again


def test_no_job_with_needs_no_count_of_them(kept: Kept) -> None:
    """What tells whether there are any is true after each way in which a job ends."""
    kept.join("w")
    limits = f"{kept.prefix}counts"
    kept.submit()
    assert not kept.client.hexists(limits, "needy")
    ended, cancelled, lost = (kept.submit(tags=("gpu",)) for _ in range(3))
    assert kept.client.hget(limits, "needy") == "3"
    kept.ledger.cancel(cancelled)
    for ref in (ended, lost):
        claim = kept.ledger.claim(ref, worker=f"{kept.prefix}w", pid=1)
        assert claim is not None
        if ref == ended:
            kept.ledger.finish(claim.lease, DONE, None)
    assert kept.client.hget(limits, "needy") == "1"
    for _ in range(3):
        claim = kept.ledger.claim(lost, worker=f"{kept.prefix}w", pid=1)
        assert claim is not None
        kept.ledger.lose(claim.lease, "killed")
    assert kept.client.hget(limits, "needy") == "0"


class Dying(RedisLedger):
    """A server that dies when a job is accepted and no worker is found yet."""

    def __init__(self, url: str, **terms: Any) -> None:
        super().__init__(url, **terms)
        self._lanes.opened = lambda needs: None  # type: ignore[method-assign]


def test_a_server_that_dies_before_it_has_found_workers_costs_a_beat(redis_url: str) -> None:
    """The job is accepted; a worker that was there before finds the lane by itself."""
    kept = Kept(redis_url)
    kept.join("w")
    name = f"{kept.prefix}w"
    spec = JobSpec(task="demo", options=JobOptions(tags=("gpu",)))
    [made] = Dying(redis_url, prefix=kept.prefix).submit("ada", [("k", spec)], message=wake_up)
    assert kept.ledger.claim_next("default", worker=name, pid=1) is None
    assert kept.client.llen(f"taskkit.jobs.@{name}") == 0
    kept.ledger.seek(name)
    assert kept.client.llen(f"taskkit.jobs.@{name}") == 1
    claim = kept.ledger.claim_next("default", worker=name, pid=1)
    assert isinstance(claim, Claim)
    assert claim.lease.ref.id == made.record.id
