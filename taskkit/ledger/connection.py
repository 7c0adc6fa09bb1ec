"""How the ledger talks to Redis, and what its refusals mean."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha1
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
)
from redis.retry import Retry

from ..protocol.errors import Unavailable
from ..protocol.sentinel import is_sentinel, sentinel_address
from .redis_client import redis_client
from .redis_faults import fault_of
from .scripts import source

BLOCK_S = 10.0
"""The longest that one blocking command waits; callers that wait longer repeat it."""

MOST_CONNECTIONS = 65_536
"""Of a pool, at once: no bound. Each thread has one at most, and the server's threads are counted.

redis-py 8 has 100 where nothing is said, and refuses whoever would be next: also a server's
requests, where a hundred sockets hold one each."""

_REFUSALS = (OutOfMemoryError, ReadOnlyError, MasterDownError, NoPermissionError)
"""What it answers when it cannot; redis-py takes the word for it off the message."""

_REFUSAL_WORDS = re.compile(r"(^|: -)(OOM|READONLY|MISCONF|NOREPLICAS|BUSY|NOPERM)\b")
"""The same of a script in Redis 6.2, which wraps it, and what redis-py has no class for."""


REPLICATED = frozenset(
    {
        *("submit", "cancel", "claim", "claim_next", "claim_more", "rise"),
        *("finish", "lose", "hand_back"),
    }
)
"""What is promised to somebody by the answer, so that no failover may undo it: where replicas are
asked for, they have it first. Output is not: of that a reader is told that some is missing."""

REPLICATED_WITHIN_S = 2.0


class Connection:
    """A pool of connections to one Redis, and the scripts run over it.

    `head` is what every script is told first, but for the name of a new log: see `prelude.lua`.
    Nothing is repeated behind the caller's back: after a lost reply only the verb knows whether
    asking again is safe.
    """

    def __init__(
        self, url: str, head: tuple[str | int, ...], *, timeout_s: float = BLOCK_S + 5
    ) -> None:
        self.redis: Any = redis_client(
            url,
            protocol=2,
            socket_timeout=timeout_s,
            socket_connect_timeout=min(5, timeout_s),
            socket_keepalive=True,
            health_check_interval=30,
            max_connections=MOST_CONNECTIONS,
            retry=Retry(NoBackoff(), 0),
        )
        self._head = head
        self._shas: dict[str, str] = {}
        self._replicas = sentinel_address(url).replicas if is_sentinel(url) else 0

    @property
    def has_replicas(self) -> bool:
        """Whether what is promised waits for replicas."""
        return self._replicas > 0

    def command(self, verb: str, *args: str | bytes | int) -> tuple[str | bytes | int, ...]:
        """Return the command that runs the script of `verb`; the prelude's arguments come first."""
        sha = self._shas.get(verb)
        if sha is None:
            sha = self._shas[verb] = sha1(source(verb).encode(), usedforsecurity=False).hexdigest()
        prefix, *rules = self._head
        return ("EVALSHA", sha, 0, prefix, secrets.token_hex(8), *rules, *args)

    def run(self, verb: str, *args: str | bytes | int) -> Any:
        """Run the script of `verb`."""
        command = self.command(verb, *args)
        ask = self._replicated if self._replicas and verb in REPLICATED else self._answered
        with refusals():
            try:
                return ask(command)
            except redis.exceptions.NoScriptError:
                self.redis.script_load(source(verb))
                return ask(command)

    def _answered(self, command: tuple[str | bytes | int, ...]) -> Any:
        return self.redis.execute_command(*command)

    def _replicated(self, command: tuple[str | bytes | int, ...]) -> Any:
        """Run a script, and return its answer when replicas have all that it wrote.

        Raises:
            Unavailable: They have not. It happened here; who asks again waits for them again.
        """
        pipe = self.redis.pipeline(transaction=False)  # WAIT is about its own connection
        pipe.execute_command(*command)
        pipe.execute_command("WAIT", self._replicas, round(REPLICATED_WITHIN_S * 1000))
        answer, replicas = pipe.execute()
        if int(replicas) < self._replicas:
            raise Unavailable(
                f"Redis has it, and {replicas} of {self._replicas} replicas: as long as they are "
                "away nothing is promised; ask again"
            )
        return answer


@contextmanager
def refusals() -> Iterator[None]:
    """Raise `Unavailable` for whatever Redis cannot do at the moment."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise Unavailable(f"Redis does not answer ({fault_of(error)})") from error
    except redis.ResponseError as error:
        if isinstance(error, _REFUSALS) or _REFUSAL_WORDS.search(str(error)):
            raise Unavailable(f"Redis refuses to work ({error})") from error
        raise
