"""Both ledgers, each with a time of its own that a test can let pass."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest
import redis
from apart import ApartLedger

from taskkit.ledger import JobRef, Lease, Ledger
from taskkit.ledger.memory import MemoryLedger
from taskkit.ledger.redis import RedisLedger
from taskkit.protocol.broker import BROKER_QUEUE
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.events import Event, JobSubmitted
from taskkit.protocol.jobs import JobRecord
from taskkit.protocol.lifecycle import apply, submitted
from taskkit.protocol.spec import JobSpec
from taskkit.protocol.workers import WorkerInfo


class Clock(Protocol):
    """The time that a ledger goes by."""

    def now_ms(self) -> int:
        """Return the time in milliseconds since the Unix epoch."""

    def advance(self, seconds: float) -> None:
        """Return when that much time is over."""


@dataclass
class SteppedClock:
    """Time that moves only when a test says so."""

    ms: int = 1_790_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def advance(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


@dataclass
class RedisClock:
    """The time of a Redis server, which has to be waited for."""

    client: Any
    nothing: str = field(default_factory=lambda: f"nothing-{secrets.token_hex(4)}")

    def now_ms(self) -> int:
        seconds, us = self.client.time()
        return int(seconds * 1000 + us // 1000)

    def advance(self, seconds: float) -> None:
        # One millisecond more, since both ends are rounded down.
        until = self.now_ms() + round(seconds * 1000) + 1
        while (left_ms := until - self.now_ms()) > 0:
            self.client.blpop([self.nothing], timeout=left_ms / 1000)


@pytest.fixture
def timings() -> dict[str, Any]:
    """What the ledger is opened with; a test parametrises it to have other times."""
    return {}


@pytest.fixture(params=["memory", "redis", "apart"])
def clock(request: pytest.FixtureRequest) -> Clock:
    """The ledger's time."""
    if request.param == "memory":
        return SteppedClock()
    return RedisClock(redis.Redis.from_url(request.getfixturevalue("redis_url")))


@pytest.fixture
def ledger(
    clock: Clock, timings: dict[str, Any], request: pytest.FixtureRequest
) -> Iterator[Ledger]:
    """One empty ledger: the executable specification, the real one, and that with signatures, asked
    by server and worker as accounts of their own.

    At the end of every test its records must be what the events of its logs add up to.
    """
    timings = {"publish_grace_s": 0, **timings}
    kept: Any
    if isinstance(clock, SteppedClock):
        kept = MemoryLedger(clock=clock.now_ms, **timings)
    else:
        url = request.getfixturevalue("redis_url")
        kind = ApartLedger if request.node.callspec.params["clock"] == "apart" else RedisLedger
        kept = kind(url, prefix=f"tk-{secrets.token_hex(4)}:", **{"publish_grace_s": 0, **timings})
    yield kept
    for owner in ("ada", "bob"):
        assert_records_are_the_folded_log(kept, owner)
    if isinstance(kept, ApartLedger):
        assert kept.refused() == []


@pytest.fixture
def advance(clock: Clock) -> Callable[[float], None]:
    """Let that many seconds pass for the ledger."""
    return clock.advance


def assert_records_are_the_folded_log(ledger: Ledger, owner: str) -> None:
    """Fail unless folding the owner's whole log gives the records that the ledger returns."""
    page = ledger.read(owner, Cursor(), limit=100_000)
    if page.is_gap:
        return
    assert [event.seq for event in page.events] == list(range(1, page.head + 1))
    folded: dict[str, JobRecord] = {}
    for event in page.events:
        if isinstance(event, JobSubmitted):
            folded[event.job] = submitted(event)
        else:
            folded[event.job] = apply(folded[event.job], event)
    for record in ledger.jobs(owner, limit=100_000):
        assert record == folded[record.id]


@pytest.fixture
def waiting(ledger: Ledger, request: pytest.FixtureRequest) -> Iterator[Callable[[], list[str]]]:
    """Return the messages in the broker's queue, the oldest first."""
    if isinstance(ledger, MemoryLedger):
        yield lambda: list(ledger.messages["default"])
        return
    client = redis.Redis.from_url(request.getfixturevalue("redis_url"), decode_responses=True)
    client.delete(BROKER_QUEUE)
    yield lambda: list(reversed(client.lrange(BROKER_QUEUE, 0, -1)))
    client.delete(BROKER_QUEUE, *client.scan_iter(f"{BROKER_QUEUE}.*"))


class Submit(Protocol):
    """Make one job and return its address."""

    def __call__(self, key: str | None = None, *, owner: str = "ada", **spec: Any) -> JobRef: ...


@pytest.fixture
def submit(ledger: Ledger) -> Submit:
    """Make one queued job."""

    def submit_one(key: str | None = None, *, owner: str = "ada", **spec: Any) -> JobRef:
        request = (key or secrets.token_hex(8), JobSpec(**{"task": "demo", **spec}))
        [submission] = ledger.submit(owner, [request])
        return JobRef(owner, submission.record.id)

    return submit_one


class Start(Protocol):
    """Make one running job and return its lease."""

    def __call__(self, ref: JobRef | None = None, *, worker: str = "w1", pid: int = 7) -> Lease: ...


@pytest.fixture
def start(ledger: Ledger, submit: Submit) -> Start:
    """Make one running job, or let a queued one run."""

    def start_one(ref: JobRef | None = None, *, worker: str = "w1", pid: int = 7) -> Lease:
        claim = ledger.claim(ref or submit(), worker=worker, pid=pid)
        assert claim is not None
        return claim.lease

    return start_one


@pytest.fixture
def join(ledger: Ledger) -> Callable[..., WorkerInfo]:
    """Let a worker join."""

    def join_one(name: str = "w1", **said: Any) -> WorkerInfo:
        facts = {"host": "lab", "pid": 41, "processes": 2, "python": "3.12.1", **said}
        worker = WorkerInfo(name=name, **facts)
        ledger.join(worker)
        return worker

    return join_one


@pytest.fixture
def events(ledger: Ledger) -> Callable[[str], list[Event]]:
    """Return a log's events from its beginning."""

    def events_of(log: str = "ada") -> list[Event]:
        return list(ledger.read(log, Cursor(), limit=100_000).events)

    return events_of
