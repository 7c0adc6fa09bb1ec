"""Writes wake-ups, and hands those of the sweeper to the broker. Losing one costs time only.

Where RabbitMQ is the broker, they go to Redis all the same, and a `Relay` carries them on.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from taskkit.ledger import Due
from taskkit.protocol.broker import BROKER_QUEUE, broker_queue
from taskkit.protocol.celery_settings import celery_settings
from taskkit.protocol.errors import Unavailable

from .messages import Messages
from .relay import Relay

logger = logging.getLogger(__name__)


class Dispatch:
    """Publishes to the Celery queues, over one connection that is kept."""

    def __init__(self, redis_url: str, relay: Relay | None = None) -> None:
        self._relay = relay
        self._app = Celery("taskkit", set_as_current=False)
        self._app.conf.update(
            celery_settings(redis_url), task_default_queue=BROKER_QUEUE, task_ignore_result=True
        )
        broker = self._app.connection()
        # Channel errors are what a Redis without memory or disk answers: it heals like the others.
        self._losses = (
            *(OperationalError, OSError),
            *broker.connection_errors,
            *broker.channel_errors,
        )
        self._lock = threading.Lock()
        self._messages = Messages(self._app)
        self._connection: Any = None

    def message(self, queue: str) -> str:
        """Return the message that wakes a worker, for the ledger to put on the broker's queue."""
        return self._messages.message(queue)

    def wake(self, due: Sequence[Due]) -> bool:
        """Publish one message a job; return whether the broker took all, never raise for it."""
        if not due:
            return True
        with self._lock:
            try:
                for queue in dict.fromkeys(one.queue for one in due):
                    messages = [self.message(queue) for one in due if one.queue == queue]
                    self._broker().lpush(broker_queue(queue), *messages)
            except self._losses as error:
                logger.warning("%d wake-ups wait: %s", len(due), error)
                self._hang_up()
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
        waiting = self._lengths(queues)
        empty = [queue for queue, messages in waiting.items() if not messages]
        return empty if self._relay is None else self._relay.empty_of(empty)

    def waiting(self, queue: str) -> int:
        """Return how many messages wait in a queue.

        Raises:
            Unavailable: The broker does not answer.
        """
        return self._lengths([queue])[queue]

    def _lengths(self, queues: Iterable[str]) -> dict[str, int]:
        with self._lock:
            try:
                broker = self._broker()
                return {queue: int(broker.llen(broker_queue(queue))) for queue in queues}
            except self._losses as error:
                self._hang_up()
                raise Unavailable(f"the broker does not answer ({error})") from error

    def _broker(self) -> Any:
        """Return kombu's client of the Redis that is the broker."""
        if self._connection is None:
            self._connection = self._connect()
        return self._connection.default_channel.client

    def _connect(self) -> Any:
        connection: Any = self._app.connection_for_write()
        # kombu would try for seconds, while requests wait; the sweeper tries again soon enough.
        connection.ensure_connection(max_retries=1, interval_start=0)
        return connection

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.close()
