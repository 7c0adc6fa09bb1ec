"""Writes wake-ups, and hands those of the sweeper to the broker. Losing one costs time only.

Where RabbitMQ is the broker, they go to Redis all the same, and a `Relay` carries them on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from taskkit.ledger import Due, open_broker_lists
from taskkit.protocol.broker import wake_up
from taskkit.protocol.errors import Unavailable

from .relay import Relay

logger = logging.getLogger(__name__)


class Dispatch:
    """Publishes to the Celery queues; safe from any thread."""

    def __init__(self, redis_url: str, relay: Relay | None = None) -> None:
        self._relay = relay
        self._lists = open_broker_lists(redis_url)

    def message(self, queue: str) -> str:
        """Return the message that wakes a worker, for the ledger to put on the broker's queue."""
        return wake_up(queue)

    def wake(self, due: Sequence[Due]) -> bool:
        """Publish one message a job; return whether the broker took all, never raise for it."""
        if not due:
            return True
        try:
            for queue in dict.fromkeys(one.queue for one in due):
                self._lists.push(queue, [wake_up(queue) for one in due if one.queue == queue])
        except Unavailable as error:
            logger.warning("%d wake-ups wait: %s", len(due), error)
            return False
        self.ring()
        return True

    def ring(self) -> None:
        """Have what waits in Redis be carried on where it is to be."""
        if self._relay is not None:
            self._relay.ring()

    def trouble(self) -> str:
        """Return why wake-ups wait, in one sentence; empty where they do not."""
        return self._relay.trouble if self._relay is not None else ""

    def empty_of(self, queues: Iterable[str]) -> list[str]:
        """Return those of the queues in which no message waits.

        Raises:
            Unavailable: The broker does not answer.
        """
        waiting = self._lists.lengths(queues)
        empty = [queue for queue, messages in waiting.items() if not messages]
        return empty if self._relay is None else self._relay.empty_of(empty)

    def waiting(self, queue: str) -> int:
        """Return how many messages wait in a queue.

        Raises:
            Unavailable: The broker does not answer.
        """
        return self._lists.lengths([queue])[queue]
