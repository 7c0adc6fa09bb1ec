"""A ledger with jobs of all kinds, in a Redis of the test's own."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from taskkit.ledger import JobRef, Lease, StoredResult
from taskkit.ledger.redis import RedisLedger
from taskkit.protocol.events import JobSucceeded, OutputWritten
from taskkit.protocol.jobs import ResultInfo
from taskkit.protocol.spec import JobSpec

StartRedis = Callable[..., str]


@dataclass
class Filled:
    """A ledger and what is in it."""

    url: str
    ledger: RedisLedger
    succeeded: list[JobRef] = field(default_factory=list)
    running: list[Lease] = field(default_factory=list)
    queued: list[JobRef] = field(default_factory=list)

    def submit(self, owner: str = "ada") -> JobRef:
        """Make one queued job."""
        request = (secrets.token_hex(8), JobSpec(task="demo", arguments='{"size":3}'))
        [made] = self.ledger.submit(owner, [request])
        return JobRef(owner, made.record.id)

    def begin(self, ref: JobRef) -> Lease:
        """Begin its next attempt."""
        claim = self.ledger.claim(ref, worker="w1", pid=7)
        assert claim is not None
        return claim.lease

    def finish(self, lease: Lease, body: bytes = b'"done"') -> str:
        """Make it succeed; return what the ledger says to that."""
        result = ResultInfo(size_bytes=len(body), media_type="application/json")
        kept = StoredResult(media_type="application/json", body=body)
        return self.ledger.finish(lease, JobSucceeded(result=result), kept)


@pytest.fixture
def filled(start_redis: StartRedis) -> Filled:
    """Two jobs of each kind, of two users."""
    url = start_redis('save ""')
    made = Filled(url, RedisLedger(url))
    for owner in ("ada", "bob"):
        done = made.submit(owner)
        lease = made.begin(done)
        made.ledger.append(lease, 1, [OutputWritten(text="half way\n")])
        made.finish(lease)
        made.succeeded.append(done)
        made.running.append(made.begin(made.submit(owner)))
        made.queued.append(made.submit(owner))
    made.ledger.put_function("ada", "ab" * 32, b"pickled")
    return made
