"""Celery's message for a job, as kombu puts it on a queue of Redis."""

from __future__ import annotations

import json
import uuid
from typing import Any

from celery import Celery
from kombu.connection import Connection
from kombu.messaging import Producer

from taskkit.ledger import JobRef
from taskkit.protocol.broker import QUEUE, WAKE


class Messages:
    """Lets kombu itself write each message, onto a queue in memory, and takes it from there.

    What is published through kombu's Redis transport costs 0.3 ms a message, most of it for a new
    client object; many of these go to Redis in one command.
    """

    def __init__(self, app: Celery) -> None:
        self._app = app
        connect: Any = Connection
        self._channel = connect("memory://").channel()
        make: Any = Producer
        self._producer = make(self._channel, auto_declare=False, serializer="json")

    def message(self, ref: JobRef) -> str:
        """Return the message that wakes a worker for `ref`. From one thread at a time."""
        wake = self._app.amqp.create_task_message(
            uuid.uuid4().hex, WAKE, tuple(ref), {}, ignore_result=True
        )
        self._producer.publish(
            wake.body, exchange="", routing_key=QUEUE, headers=wake.headers, **wake.properties
        )
        return json.dumps(self._channel._queue_for(QUEUE).get_nowait())  # noqa: SLF001
