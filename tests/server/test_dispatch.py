"""Wake-ups on a real broker, and without one."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from taskkit.ledger import Due, JobRef
from taskkit.protocol.broker import BROKER_QUEUE, WAKE, broker_queue
from taskkit.protocol.errors import Unavailable
from taskkit_server.upkeep.dispatch import Dispatch

FIRST, SECOND = (Due(JobRef("ada", id * 32), "default") for id in "12")
GPU = Due(JobRef("ada", "3" * 32), "gpu")


@pytest.fixture
def broker(redis_url: str) -> Iterator[Any]:
    """The broker's side, with an empty queue before and after."""
    client = redis.Redis.from_url(redis_url)
    client.delete(BROKER_QUEUE, broker_queue("gpu"))
    yield client
    client.delete(BROKER_QUEUE, broker_queue("gpu"))
    client.close()


def sent(broker: Any, queue: str = "default") -> list[str]:
    """Return which queues the messages in a queue of the broker name."""
    found = []
    for raw in reversed(broker.lrange(broker_queue(queue), 0, -1)):
        message = json.loads(raw)
        assert message["headers"]["task"] == WAKE
        assert message["content-type"] == "application/json"
        [args, kwargs, _] = json.loads(message["body"])
        assert kwargs == {}
        assert message["properties"]["delivery_info"]["routing_key"] == broker_queue(queue)
        found += args
    return found


def test_each_job_gets_one_message(broker: Any, redis_url: str) -> None:
    """In its own queue, as JSON that a worker takes."""
    assert Dispatch(redis_url).wake([FIRST, GPU, SECOND])
    assert sent(broker) == ["default", "default"]
    assert sent(broker, "gpu") == ["gpu"]


def test_an_empty_queue_is_known(broker: Any, redis_url: str) -> None:
    """The sweeper is quicker where no message can be on its way."""
    dispatch = Dispatch(redis_url)
    assert dispatch.empty_of(["default", "gpu"]) == ["default", "gpu"]
    dispatch.wake([FIRST])
    assert dispatch.empty_of(["default", "gpu"]) == ["gpu"]
    assert (dispatch.waiting("default"), dispatch.waiting("gpu")) == (1, 0)


def test_asking_again_makes_no_new_connection(broker: Any, redis_url: str) -> None:
    """The sweeper asks every other second; a connection that broke is made anew."""
    dispatch = Dispatch(redis_url)
    dispatch.empty_of(["default"])
    before = broker.info("stats")["total_connections_received"]
    for _ in range(3):
        assert dispatch.empty_of(["default"]) == ["default"]
    assert broker.info("stats")["total_connections_received"] == before
    broker.client_kill_filter(skipme=True, _type="normal")
    assert dispatch.empty_of(["default"]) == ["default"]


def test_a_connection_that_was_cut_is_replaced(broker: Any, redis_url: str) -> None:
    """What was not taken is said to be, and the next call finds a new connection."""
    dispatch = Dispatch(redis_url)
    assert dispatch.wake([FIRST])
    broker.client_kill_filter(_type="normal", skipme=True)
    assert dispatch.wake([SECOND]) or dispatch.wake([SECOND])
    assert sent(broker) == ["default", "default"]


def test_the_ledger_puts_the_same_message_on_the_queue(broker: Any, redis_url: str) -> None:
    """It writes the message itself, in the step that accepts the job."""
    broker.lpush(broker_queue("gpu"), Dispatch(redis_url).message("gpu"))
    assert sent(broker, "gpu") == ["gpu"]


def test_several_threads_share_it(broker: Any, redis_url: str) -> None:
    """Requests are served by many."""
    dispatch = Dispatch(redis_url)
    due = [FIRST] * 40
    threads = [
        threading.Thread(target=dispatch.wake, args=(due[n::4],), name=f"wake-{n}")
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert sent(broker) == ["default"] * 40


NOBODY = "redis://127.0.0.1:1/0"


def test_a_broker_that_is_away_is_no_error_of_the_sweep() -> None:
    """The job stays due in the ledger; nothing hangs."""
    assert Dispatch(NOBODY).wake([FIRST]) is False


def test_a_broker_that_is_away_has_no_known_length() -> None:
    """The sweeper is told in one clear word, which it logs in one line."""
    with pytest.raises(Unavailable, match="Redis"):
        Dispatch(NOBODY).empty_of(["default"])


def test_a_broker_without_memory_is_no_error_of_the_sweep(start_redis: Callable[..., str]) -> None:
    """As one that is away; the message goes when there is memory."""
    url = start_redis('save ""')
    dispatch = Dispatch(url)
    with redis.Redis.from_url(url) as broker:
        broker.config_set("maxmemory", 1)
        assert dispatch.wake([FIRST]) is False
        broker.config_set("maxmemory", 0)
        assert dispatch.wake([FIRST])
        assert sent(broker) == ["default"]
