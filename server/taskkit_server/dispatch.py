"""Hands wake-ups to the broker. One that gets lost costs time only: the sweeper sends it again."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from celery import Celery
from kombu.exceptions import OperationalError

from taskkit.ledger import JobRef, Ledger
from taskkit.protocol.broker import QUEUE, TRANSPORT_OPTIONS, WAKE
from taskkit.protocol.errors import Unavailable

logger = logging.getLogger(__name__)


class Dispatch:
    """Publishes to the Celery queue over reused connections."""

    def __init__(self, redis_url: str, ledger: Ledger) -> None:
        self._ledger = ledger
        self._app = Celery("taskkit", broker=redis_url, set_as_current=False)
        self._app.conf.update(
            task_default_queue=QUEUE,
            task_ignore_result=True,
            task_publish_retry=False,
            broker_pool_limit=16,
            broker_transport_options=TRANSPORT_OPTIONS,
        )

    def wake(self, refs: Sequence[JobRef]) -> None:
        """Publish one message a job, and note that it was done; never raises for a lost broker."""
        if not refs:
            return
        try:
            with self._app.producer_or_acquire() as producer:
                for ref in refs:
                    self._app.send_task(
                        WAKE, args=ref, queue=QUEUE, producer=producer, ignore_result=True
                    )
            self._ledger.published(refs)
        except (OperationalError, Unavailable, OSError) as error:
            logger.warning("%d wake-ups wait for the sweeper: %s", len(refs), error)

    def is_broker_empty(self) -> bool:
        """Return whether no message waits in the queue."""
        with self._app.connection_for_read() as connection:
            waiting: int = connection.default_channel.client.llen(QUEUE)
            return waiting == 0
