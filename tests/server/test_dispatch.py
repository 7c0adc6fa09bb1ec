"""Wake-ups on a real broker, and without one."""

from __future__ import annotations

import json
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from taskkit.ledger import JobRef
from taskkit.protocol.broker import QUEUE, WAKE
from taskkit.protocol.errors import Unavailable
from taskkit_server.dispatch import Dispatch

FIRST, SECOND = JobRef("ada", "1" * 32), JobRef("ada", "2" * 32)


@pytest.fixture
def broker(redis_url: str) -> Iterator[Any]:
    """The broker's side, with an empty queue before and after."""
    client = redis.Redis.from_url(redis_url)
    client.delete(QUEUE)
    yield client
    client.delete(QUEUE)
    client.close()


def sent(broker: Any) -> list[JobRef]:
    """Return what the messages in the queue point at, in the order workers take them."""
    found = []
    for raw in reversed(broker.lrange(QUEUE, 0, -1)):
        message = json.loads(raw)
        assert message["headers"]["task"] == WAKE
        assert message["content-type"] == "application/json"
        [args, kwargs, _] = json.loads(b64decode(message["body"]))
        assert kwargs == {}
        found.append(JobRef(*args))
    return found


def test_each_job_gets_one_message(broker: Any, redis_url: str) -> None:
    """In order, in the one queue, as JSON that a worker takes."""
    assert Dispatch(redis_url).wake([FIRST, SECOND])
    assert sent(broker) == [FIRST, SECOND]


def test_the_queue_is_known_to_be_empty(broker: Any, redis_url: str) -> None:
    """The sweeper is quicker where no message can be on its way."""
    dispatch = Dispatch(redis_url)
    assert dispatch.is_broker_empty()
    dispatch.wake([FIRST])
    assert not dispatch.is_broker_empty()


def test_a_connection_that_was_cut_is_replaced(broker: Any, redis_url: str) -> None:
    """Nothing is lost: what was not taken is published by the next retry, and only once."""
    dispatch = Dispatch(redis_url)
    assert dispatch.wake([FIRST])
    broker.client_kill_filter(_type="normal", skipme=True)
    if not dispatch.wake([SECOND]):
        dispatch.retry()
    dispatch.retry()
    assert sent(broker) == [FIRST, SECOND]


def test_several_threads_share_it(broker: Any, redis_url: str) -> None:
    """Requests are served by many."""
    dispatch = Dispatch(redis_url)
    refs = [JobRef("ada", f"{n:032x}") for n in range(40)]
    threads = [
        threading.Thread(target=dispatch.wake, args=(refs[n::4],), name=f"wake-{n}")
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sorted(sent(broker)) == refs


NOBODY = "redis://127.0.0.1:1/0"


def test_a_broker_that_is_away_is_no_error_of_the_request() -> None:
    """The job is in the ledger, and waits for its wake-up; the request does not."""
    dispatch = Dispatch(NOBODY)
    began = time.monotonic()
    assert dispatch.wake([FIRST]) is False
    assert time.monotonic() - began < 1
    dispatch.retry()
    assert dispatch._unsent == [FIRST]


def test_a_broker_that_is_away_has_no_known_length() -> None:
    """The sweeper is told in one clear word, which it logs in one line."""
    with pytest.raises(Unavailable, match="broker"):
        Dispatch(NOBODY).is_broker_empty()
