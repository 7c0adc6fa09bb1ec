"""See `outbox`: the lists of the broker in Redis, and a sorted set of what was taken from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..protocol.broker import broker_queue, own
from .connection import Connection, refusals
from .keys import Keys
from .outbox import HOLD_S, Outgoing


class RedisOutbox:
    """See `Outbox`."""

    def __init__(self, url: str, *, prefix: str = "tk:", hold_s: float = HOLD_S) -> None:
        self._connection = Connection(url, (prefix, 0, 0, 0, 0, 0, 0))
        self._redis: Any = self._connection.redis
        self._keys = Keys(prefix)
        self._hold_ms = round(hold_s * 1000)

    def waiting(self) -> dict[str, int]:
        with refusals():
            queues = [name.decode() for name in self._redis.smembers(self._keys.queues)]
            if self._redis.exists(self._keys.lanes):
                workers = self._redis.zrange(self._keys.workers, 0, -1)
                queues += [own(name.decode()) for name in workers]
            seconds, us = self._redis.time()
            pipe = self._redis.pipeline(transaction=False)
            for queue in queues:
                pipe.llen(broker_queue(queue))
            pipe.zcount(self._keys.outgoing, "-inf", seconds * 1000 + us // 1000)
            *lengths, left = pipe.execute()
        counts = zip(["", *queues], [left, *lengths], strict=True)
        return {queue: n for queue, n in counts if n}

    def take(self, room: Mapping[str, int], most: int) -> list[Outgoing]:
        pairs = [part for queue, n in room.items() if n > 0 for part in (queue, n)]
        taken = [part.decode() for part in self._run("outgoing", self._hold_ms, most, *pairs)]
        return [Outgoing(*pair) for pair in zip(taken[::2], taken[1::2], strict=True)]

    def sent(self, those: Sequence[Outgoing]) -> None:
        self._note(those, is_back=False)

    def put_back(self, those: Sequence[Outgoing]) -> None:
        self._note(those, is_back=True)

    def _note(self, those: Sequence[Outgoing], *, is_back: bool) -> None:
        if those:
            self._run("outgone", int(is_back), *(part for one in those for part in one))

    def _run(self, verb: str, *args: str | int) -> Any:
        return self._connection.run(verb, *args)
