"""Writes wake-ups, and hands those of the sweeper to the broker. Losing one costs time only."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError

from taskkit.ledger import JobRef
from taskkit.protocol.broker import QUEUE, TRANSPORT_OPTIONS
from taskkit.protocol.errors import Unavailable

from .messages import Messages

logger = logging.getLogger(__name__)


class Dispatch:
    """Publishes to the Celery queue, over one connection that is kept."""

    def __init__(self, redis_url: str) -> None:
        self._app = Celery("taskkit", broker=redis_url, set_as_current=False)
        self._app.conf.update(
            task_default_queue=QUEUE,
            task_ignore_result=True,
            broker_transport_options=TRANSPORT_OPTIONS,
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

    def message(self, ref: JobRef) -> str:
        """Return the message that wakes a worker for `ref`, for the ledger to put on the queue."""
        return self._messages.message(ref)

    def wake(self, refs: Sequence[JobRef]) -> bool:
        """Publish one message a job; return whether the broker took all, never raise for it."""
        if not refs:
            return True
        with self._lock:
            try:
                messages = [self.message(ref) for ref in refs]
                self._broker().lpush(QUEUE, *messages)
            except self._losses as error:
                logger.warning("%d wake-ups wait: %s", len(refs), error)
                self._hang_up()
                return False
        return True

    def is_broker_empty(self) -> bool:
        """Return whether no message waits in the queue.

        Raises:
            Unavailable: The broker does not answer.
        """
        try:
            with self._connect() as connection:
                waiting: int = connection.default_channel.client.llen(QUEUE)
                return waiting == 0
        except self._losses as error:
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
