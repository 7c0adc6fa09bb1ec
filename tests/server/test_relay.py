"""Wake-ups on their way from Redis to another broker: none is lost, few are doubled."""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from waiting import wait_until

from taskkit.ledger import Outgoing
from taskkit.ledger.redis import RedisLedger
from taskkit.ledger.redis_outbox import RedisOutbox
from taskkit.protocol.broker import broker_queue
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec
from taskkit_server.upkeep.relay import MOST_READY, BrokerAwayError, Relay


@dataclass
class Post:
    """What RabbitMQ has."""

    queues: Counter[str] = field(default_factory=Counter)
    kept: list[Outgoing] = field(default_factory=list)
    is_away: bool = False
    is_full: bool = False
    asked: int = 0

    def ready(self, queue: str) -> int:
        self.asked += 1
        if self.is_away:
            raise BrokerAwayError("RabbitMQ does not answer: it is a test")
        return self.queues[queue]

    def publish(self, those: Sequence[Outgoing]) -> None:
        if self.is_full:
            raise BrokerAwayError("RabbitMQ does not confirm: it is a test")
        self.kept += those
        self.queues.update(one.queue for one in those)


@dataclass
class Box:
    """An outbox in a real Redis, under a prefix of its own, and the ledger that fills it."""

    url: str
    client: Any
    prefix: str = field(default_factory=lambda: f"tk-{secrets.token_hex(4)}:")

    def outbox(self, hold_s: float = 60) -> RedisOutbox:
        return RedisOutbox(self.url, prefix=self.prefix, hold_s=hold_s)

    def submit(self, *messages: str, queue: str = "default") -> None:
        ledger = RedisLedger(self.url, prefix=self.prefix)
        spec = JobSpec(task="demo", options=JobOptions(queue=queue))
        for text in messages:
            ledger.submit("ada", [(secrets.token_hex(8), spec)], message=lambda _, t=text: t)

    def listed(self, queue: str = "default") -> list[str]:
        return list(reversed(self.client.lrange(broker_queue(queue), 0, -1)))

    def held(self) -> int:
        return int(self.client.zcard(f"{self.prefix}outgoing"))


@pytest.fixture
def box(redis_url: str) -> Iterator[Box]:
    """With empty lists before and after."""
    client: Any = redis.Redis.from_url(redis_url, decode_responses=True)
    lists = [broker_queue(name) for name in ("default", "gpu")]
    client.delete(*lists)
    yield Box(redis_url, client)
    client.delete(*lists)
    client.close()


def test_what_the_scripts_wake_is_carried_on_in_order(box: Box) -> None:
    """Each to the queue of its jobs; then nothing is left, and nobody holds any."""
    post = Post()
    relay = Relay(box.outbox(), post)
    box.submit("1", "2")
    box.submit("3", queue="gpu")
    assert relay.carry() == 3
    assert [one.message for one in post.kept if one.queue == "default"] == ["1", "2"]
    assert [one.message for one in post.kept if one.queue == "gpu"] == ["3"]
    assert (box.listed(), box.listed("gpu"), box.held()) == ([], [], 0)
    assert relay.carry() == 0


def test_a_queue_that_is_full_leaves_the_rest_where_it_is(box: Box) -> None:
    """Until there is room; another queue goes on."""
    post = Post(Counter(default=MOST_READY - 1))
    relay = Relay(box.outbox(), post)
    box.submit("1", "2", "3")
    box.submit("4", queue="gpu")
    assert relay.carry() == 2
    assert box.listed() == ["2", "3"]
    assert relay.carry() == 0
    post.queues["default"] -= 1
    assert relay.carry() == 1
    assert box.listed() == ["3"]


@pytest.mark.parametrize("fault", ["is_away", "is_full"])
def test_what_is_not_taken_waits_in_redis_in_its_place(box: Box, fault: str) -> None:
    """Where a process that waits for another job finds it."""
    post = Post(**{fault: True})
    relay = Relay(box.outbox(), post)
    box.submit("1", "2", "3")
    with pytest.raises(BrokerAwayError):
        relay.carry()
    assert (box.listed(), box.held()) == (["1", "2", "3"], 0)


def test_what_a_taker_that_died_had_is_taken_again(box: Box) -> None:
    """When its time is over, and not before; also where nothing else waits."""
    box.submit("1", "2")
    assert len(box.outbox().take({"default": 1}, 10)) == 1
    post = Post()
    long = Relay(box.outbox(), post)
    assert long.carry() == 1
    assert [one.message for one in post.kept] == ["2"]
    box.submit("3")
    [taken] = box.outbox(hold_s=0.05).take({"default": 5}, 10)
    short = Relay(box.outbox(), post)
    wait_until(lambda: short.carry() == 1)
    assert post.kept[-1] == taken == Outgoing("default", "3")
    assert box.held() == 1  # the first one, for a minute


def test_two_servers_share_what_there_is(box: Box) -> None:
    """Each wake-up goes once."""
    post = Post()
    box.submit(*map(str, range(60)))
    relays = [Relay(box.outbox(), post) for _ in range(3)]
    threads = [
        threading.Thread(target=relay.carry, name=f"relay-{n}") for n, relay in enumerate(relays)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(int(one.message) for one in post.kept) == list(range(60))


def test_it_says_why_wake_ups_wait_and_goes_on_by_itself(
    box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    """Once in the log, and for as long as it is so in words; asked also while nothing is sent."""
    caplog.set_level("INFO")
    post = Post(is_away=True)
    relay = Relay(box.outbox(), post, look_every_s=0.01)
    relay.start()
    try:
        wait_until(lambda: relay.trouble == "RabbitMQ does not answer: it is a test")
        assert relay.empty_of(["default"]) == []
        seen = post.asked
        wait_until(lambda: post.asked > seen)
        box.submit("1")
        post.is_away = False
        relay.ring()
        wait_until(lambda: relay.trouble == "")
        wait_until(lambda: len(post.kept) == 1)
    finally:
        relay.stop()
    assert caplog.text.count("jobs are accepted and wait") == 1
    assert "takes wake-ups again" in caplog.text


def test_a_queue_is_empty_where_nothing_waits_in_rabbitmq(box: Box) -> None:
    """As it was asked last."""
    relay = Relay(box.outbox(), Post(Counter(default=1)))
    relay.carry()
    assert relay.empty_of(["default", "gpu"]) == ["gpu"]


def test_a_process_takes_what_is_not_carried_on_yet(box: Box) -> None:
    """It is woken without RabbitMQ."""
    box.submit("1")
    ledger = RedisLedger(box.url, prefix=box.prefix)
    assert ledger.take(5) == "1"
    assert Relay(box.outbox(), Post()).carry() == 0
