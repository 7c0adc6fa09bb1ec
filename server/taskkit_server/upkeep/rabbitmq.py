"""Publishes wake-ups to quorum queues of RabbitMQ, and has it confirm that it keeps them."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlsplit

from amqp import exceptions as of_amqp
from kombu.connection import Connection

from taskkit.ledger import Outgoing
from taskkit.protocol.broker import broker_queue
from taskkit.protocol.celery_settings import amqp_address, queue_arguments
from taskkit.protocol.errors import NOT_AS_WRITTEN

from .relay import BrokerAwayError

logger = logging.getLogger(__name__)

T = TypeVar("T")

CONNECT_S = 5.0
CONFIRM_S = 4.0
"""How long RabbitMQ may take to confirm what was sent at once; less than a wake-up is held."""

PERSISTENT = 2


class RabbitMQ:
    """One connection that is kept, for one thread."""

    def __init__(self, broker_url: str) -> None:
        self._url, self._ssl = amqp_address(broker_url)
        parts = urlsplit(broker_url)
        self._place = (
            f"{parts.hostname or 'localhost'}:{parts.port or (5671 if self._ssl else 5672)}"
        )
        self._connection: Any = None
        self._channel: Any = None
        self._sent = 0
        self._unconfirmed: set[int] = set()
        self._refused: set[int] = set()

    def ready(self, queue: str) -> int:
        """Return how many messages wait in the queue of a queue of jobs, and see that there is one.

        Raises:
            BrokerAwayError: As `publish`.
        """
        return self._doing(lambda: self._declare(queue))

    def publish(self, those: Sequence[Outgoing]) -> None:
        """Send wake-ups, all at once, and return when RabbitMQ has confirmed each.

        Raises:
            BrokerAwayError: It did not, of one or more.
        """
        self._doing(lambda: self._publish(those))

    def hang_up(self) -> None:
        """End the connection; the next use makes another."""
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            with contextlib.suppress(Exception):
                connection.collect()  # without a word: whom it would wait for may hang

    def _doing(self, work: Callable[[], T]) -> T:
        try:
            if self._channel is None:
                self._connect()
            return work()
        except (of_amqp.AMQPError, OSError, ConnectionError) as error:
            self.hang_up()
            raise BrokerAwayError(f"RabbitMQ at {self._place} {fault_of(error)}") from error
        except BrokerAwayError:
            self.hang_up()
            raise

    def _connect(self) -> None:
        connect: Any = Connection
        connection = connect(
            self._url,
            ssl=self._ssl,
            connect_timeout=CONNECT_S,
            heartbeat=0,
            transport_options={"read_timeout": CONFIRM_S, "write_timeout": CONFIRM_S},
        )
        # Once: kombu's own `connect` tries again, and waits as long each time.
        self._connection = connection.transport.establish_connection()
        channel = self._connection.channel()
        channel.confirm_select()
        channel.events["basic_ack"].add(self._on_ack)
        channel.events["basic_nack"].add(self._on_nack)
        channel.events["basic_return"].add(self._on_return)
        self._sent, self._unconfirmed, self._refused = 0, set(), set()
        self._channel = channel

    def _declare(self, queue: str) -> int:
        name = broker_queue(queue)
        found = self._channel.queue_declare(
            name,
            durable=True,
            exclusive=False,
            auto_delete=False,
            arguments=queue_arguments(queue),
        )
        return int(found.message_count)

    def _publish(self, those: Sequence[Outgoing]) -> None:
        for one in those:
            message = self._message(one.message)
            if message is None:
                logger.warning("a message in the queue is none of taskkit's: it is dropped")
                continue
            self._sent += 1
            self._unconfirmed.add(self._sent)
            # Mandatory: RabbitMQ confirms also what it has no queue for, and drops it.
            self._channel.basic_publish(
                message, exchange="", routing_key=broker_queue(one.queue), mandatory=True
            )
        deadline = time.monotonic() + CONFIRM_S
        while self._unconfirmed and not self._refused:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            self._connection.drain_events(timeout=left_s)
        if self._refused:
            raise BrokerAwayError(
                f"RabbitMQ at {self._place} did not keep {len(self._refused)} messages: see its log"
            )

    def _message(self, text: str) -> Any:
        """Return a wake-up as kombu writes it for Redis, written for AMQP; None if it is another.

        Source: Celery's message protocol, version 2.
        """
        try:
            whole = json.loads(text)
            return self._channel.prepare_message(
                whole["body"],
                content_type=whole["content-type"],
                content_encoding=whole["content-encoding"],
                headers=whole["headers"],
                properties={
                    "correlation_id": whole["properties"]["correlation_id"],
                    "delivery_mode": PERSISTENT,
                },
            )
        except NOT_AS_WRITTEN:
            return None

    def _on_ack(self, tag: int, multiple: bool) -> None:
        self._unconfirmed = {
            one for one in self._unconfirmed if one > tag or (one < tag and not multiple)
        }

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._refused |= {
            one for one in self._unconfirmed if one == tag or (one < tag and multiple)
        }

    def _on_return(self, *_: object) -> None:
        self._refused.add(0)  # which one is not told


def fault_of(error: BaseException) -> str:
    """Return what keeps RabbitMQ from taking messages, and what to do, as the end of a sentence."""
    match error:
        case of_amqp.AccessRefused():
            return (
                f"does not let taskkit do what it needs ({_said(error)}): see the name and the "
                "password in broker.url, and that this user may configure, write and read taskkit.*"
            )
        case of_amqp.PreconditionFailed():
            return (
                f"has a queue of that name which is no quorum queue ({_said(error)}): delete it, "
                "taskkit makes it anew; no job is in it"
            )
        case of_amqp.NotAllowed():
            return f"has no such virtual host ({_said(error)}): see the end of broker.url"
        case ConnectionRefusedError():
            return "does not answer: nothing listens there"
        case TimeoutError():
            return (
                f"does not confirm within {CONFIRM_S:g} s: it hangs, or is short of disk or memory"
            )
        case _:
            return f"does not answer ({_said(error) or type(error).__name__})"


def _said(error: BaseException) -> str:
    told = getattr(error, "reply_text", None) or str(error)
    return " ".join(str(told).split())
