"""Hands wake-ups to the broker. One that gets lost costs time only: the sweeper sends it again."""

from __future__ import annotations

import contextlib
import logging
import threading
import uuid
from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from kombu.messaging import Producer

from taskkit.ledger import JobRef
from taskkit.protocol.broker import QUEUE, TRANSPORT_OPTIONS, WAKE

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
        self._losses = (OperationalError, OSError, *self._app.connection().connection_errors)
        self._lock = threading.Lock()
        self._producer: Any = None
        self._unsent: list[JobRef] = []

    def wake(self, refs: Sequence[JobRef]) -> bool:
        """Publish one message a job; return whether the broker took all, never raise for it.

        What it did not take is published by the next `retry`.
        """
        sent = 0
        with self._lock:
            try:
                for ref in refs:
                    self._publish(ref)
                    sent += 1
            except (
                OperationalError,
                ConnectionError,
                *self._app.connection().connection_errors,
            ) as e:
                logger.warning("%d wake-ups wait: %s", len(refs) - sent, e)
                self._unsent += refs[sent:]
                self._hang_up()
        return sent == len(refs)

    def retry(self) -> None:
        """Publish what could not be published before."""
        with self._lock:
            unsent, self._unsent = self._unsent, []
        self.wake(unsent)

    def is_broker_empty(self) -> bool:
        """Return whether no message waits in the queue."""
        with self._app.connection_for_read() as connection:
            waiting: int = connection.default_channel.client.llen(QUEUE)
            return waiting == 0

    def _publish(self, ref: JobRef) -> None:
        if self._producer is None:
            connection: Any = self._app.connection_for_write()
            make: Any = Producer
            self._producer = make(connection.channel(), auto_declare=False, serializer="json")
        message = self._app.amqp.create_task_message(
            uuid.uuid4().hex, WAKE, tuple(ref), {}, ignore_result=True
        )
        # To the queue itself: by way of an exchange it would be one more question to Redis.
        self._producer.publish(
            message.body,
            exchange="",
            routing_key=QUEUE,
            headers=message.headers,
            **message.properties,
        )

    def _hang_up(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Exception):
                producer.channel.connection.client.close()
