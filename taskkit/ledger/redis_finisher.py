"""See `finisher`: scripts sent one behind the other over a connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import redis

from ..protocol.events import JobFailed, JobSucceeded
from .terms import Lease, Ran, StoredResult, Write


class RedisFinisher:
    """Redis does what it finds sent, and puts it on the disk, in one go."""

    def __init__(self, redis: Any, command: Callable[..., Sequence[str | bytes | int]]) -> None:
        self._pool = redis.connection_pool
        self._command = command
        #: Returns what `Ledger.finish` asks of Redis.
        self._connection: Any = None
        self._sent: list[bool] = []
        #: Whether each went out.

    def send(
        self,
        lease: Lease,
        outcome: JobSucceeded | JobFailed,
        result: StoredResult | None,
        *,
        is_retryable: bool = False,
        ran: Ran | None = None,
    ) -> None:
        # Once the connection is broken nothing more is sent: who is to finish the others, too,
        # finds out anew whether Redis is there.
        is_out = all(self._sent)
        if is_out:
            command = self._command(lease, outcome, result, is_retryable, ran)
            try:
                if self._connection is None:
                    self._connection = self._pool.get_connection()
                # No health check: it would read what is not its answer.
                packed = self._connection.pack_command(*command)
                self._connection.send_packed_command(packed, check_health=False)
            except (redis.RedisError, OSError):
                is_out = False
        self._sent.append(is_out)

    def answers(self) -> list[Write | None]:
        sent, self._sent = self._sent, []
        is_broken = not all(sent)
        answers: list[Write | None] = []
        for is_out in sent:
            answer = None
            if is_out and not (is_broken and self._connection is None):
                try:
                    answer = Write(self._connection.read_response()[0].decode())
                except redis.ResponseError:
                    pass  # it refused, or has forgotten the script
                except (redis.RedisError, OSError):
                    self._hang_up()
                    is_broken = True
            answers.append(answer)
        self._let_go(is_broken=is_broken)
        return answers

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
            self._pool.release(connection)

    def _let_go(self, *, is_broken: bool) -> None:
        if is_broken:
            self._hang_up()
        elif self._connection is not None:
            self._pool.release(self._connection)
            self._connection = None
