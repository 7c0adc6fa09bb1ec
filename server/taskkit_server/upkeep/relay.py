"""Carries wake-ups on from Redis, where the ledger's scripts put them, to RabbitMQ.

So a job is accepted, and its wake-up written down, in one step, however RabbitMQ is; and no request
waits for it. Whatever a script wakes goes the same way. What is not carried on at the moment can
still be taken by processes that wait for another job: they look at the lists in Redis.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable, Sequence
from typing import Protocol

from taskkit.ledger import Outbox, Outgoing
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.options import DEFAULT_QUEUE

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.1
"""How often it looks for wake-ups that it is not told of: those of jobs that waited for others, and
of servers that have died."""

ASK_EVERY_S = 5.0
"""How often it asks whether RabbitMQ is there while there is nothing to carry."""

AWAY_S = 1.0
"""How long it leaves a RabbitMQ alone that is away."""

MOST_READY = 100
"""So many wake-ups wait in a queue of RabbitMQ at most; the others stay in Redis, where the script
that ends a job takes one with the next job. A wake-up stands for its queue and not for its job, so
more of them wake nobody else: of 10,000 short jobs in a row thousands would be left over, a message
each for which a process finds nothing to do."""

AT_ONCE = 200


class BrokerAwayError(Exception):
    """RabbitMQ does not take messages now; the text says why, and what to do where that is
    known."""


class Broker(Protocol):
    """What it carries to; see `RabbitMQ`."""

    def ready(self, queue: str) -> int:
        """Return how many messages wait."""

    def publish(self, those: Sequence[Outgoing]) -> None:
        """Send, and return when all are kept."""


class Relay:
    """One thread a server; several servers take turns by what they take."""

    def __init__(
        self, outbox: Outbox, broker: Broker, *, look_every_s: float = LOOK_EVERY_S
    ) -> None:
        self._outbox = outbox
        self._broker = broker
        self._look_every_s = look_every_s
        self._bell = threading.Event()
        self._is_over = threading.Event()
        self._ready: dict[str, int] | None = {}
        #: How many waited in each queue when it last looked; None where RabbitMQ is away.
        self._asked_at = float("-inf")
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="taskkit-relay", daemon=True)

    def start(self) -> None:
        """Begin to carry."""
        self._thread.start()

    def stop(self) -> None:
        """End, when what was begun is done."""
        self._is_over.set()
        self.ring()
        self._thread.join()

    def ring(self) -> None:
        """Say that there may be something to carry."""
        self._bell.set()

    @property
    def trouble(self) -> str:
        """Why wake-ups wait, in one sentence; empty where they do not."""
        return self._trouble

    def empty_of(self, queues: Iterable[str]) -> list[str]:
        """Return those of the queues in which RabbitMQ has no message that waits, as of 5 s ago.

        None of them where it is away: what waits in Redis goes when it is back.
        """
        ready = self._ready
        return [] if ready is None else [name for name in queues if not ready.get(name)]

    def carry(self) -> int:
        """Carry what there is and there is room for, once; return how much that was.

        Raises:
            BrokerAwayError: It waits in Redis again.
            Unavailable: Redis does not answer. What was taken is taken again later.
        """
        waiting = self._outbox.waiting()
        is_left = bool(waiting.pop("", 0))
        if not waiting and not is_left:
            self._ask()
            return 0
        ready = {queue: self._broker.ready(queue) for queue in waiting}
        self._ready = {**(self._ready or {}), **ready}
        room = {queue: max(0, MOST_READY - n) for queue, n in ready.items()}
        taken = self._outbox.take(room, AT_ONCE)
        try:
            self._broker.publish(taken)
        except BrokerAwayError:
            self._outbox.put_back(taken)
            raise
        self._outbox.sent(taken)
        for one in taken:
            self._ready[one.queue] = self._ready.get(one.queue, 0) + 1
        return len(taken)

    def _ask(self) -> None:
        if time.monotonic() - self._asked_at < ASK_EVERY_S:
            return
        names = {DEFAULT_QUEUE, *(self._ready or ())}
        self._ready = {queue: self._broker.ready(queue) for queue in names}
        self._asked_at = time.monotonic()

    def _run(self) -> None:
        while not self._is_over.is_set():
            self._bell.clear()
            pause_s = self._look_every_s
            try:
                while self.carry():
                    pass
                self._tell("")
            except BrokerAwayError as error:
                self._ready, self._asked_at = None, float("-inf")
                self._tell(str(error))
                self._is_over.wait(AWAY_S)
            except Unavailable as error:
                logger.debug("wake-ups are not carried on: %s", error)
                pause_s = AWAY_S
            except Exception:  # the edge of this thread: it must live on
                logger.exception("wake-ups are not carried on")
                pause_s = AWAY_S
            self._bell.wait(pause_s)

    def _tell(self, trouble: str) -> None:
        if trouble and not self._trouble:
            logger.warning("%s; jobs are accepted and wait until it is there", trouble)
        elif self._trouble and not trouble:
            logger.info("RabbitMQ takes wake-ups again")
        self._trouble = trouble
