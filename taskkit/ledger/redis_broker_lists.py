"""See `broker_lists`. Source: kombu 5.7, `kombu.transport.redis`: LPUSH puts, BRPOP takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..protocol.broker import broker_queue
from .connection import Connection, refusals


class RedisBrokerLists:
    """See `BrokerLists`."""

    def __init__(self, url: str) -> None:
        self._redis: Any = Connection(url, ()).redis

    def push(self, queue: str, messages: Sequence[str]) -> None:
        with refusals():
            self._redis.lpush(broker_queue(queue), *messages)

    def lengths(self, queues: Iterable[str]) -> dict[str, int]:
        asked = list(queues)
        with refusals():
            pipe = self._redis.pipeline(transaction=False)
            for queue in asked:
                pipe.llen(broker_queue(queue))
            return dict(zip(asked, pipe.execute(), strict=True))
