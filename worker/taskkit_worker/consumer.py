"""Celery's consumer of messages, without what it would make at RabbitMQ for those that are due
later.

That is 28 queues and as many exchanges, made as soon as one queue is a quorum queue; a wake-up is
due when it is sent. Source: celery 5.7, `celery.worker.consumer.delayed_delivery`.
"""

from __future__ import annotations

from typing import ClassVar

from celery.worker.consumer import Consumer


class WakeConsumer(Consumer):  # type: ignore[misc]
    """See the module."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]
        """What it begins and ends with a connection."""

        default_steps: ClassVar[list[str]] = [
            step for step in Consumer.Blueprint.default_steps if "delayed_delivery" not in step
        ]
