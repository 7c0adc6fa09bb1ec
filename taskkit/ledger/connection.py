"""How the ledger talks to Redis, and what its refusals mean."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import MasterDownError, OutOfMemoryError, ReadOnlyError
from redis.retry import Retry

from ..protocol.errors import Unavailable
from .scripts import source

BLOCK_S = 10.0
"""The longest that one blocking command waits; callers that wait longer repeat it."""

MOST_CONNECTIONS = 65_536
"""Of a pool, at once: no bound. Each thread has one at most, and the server's threads are counted.

redis-py 8 has 100 where nothing is said, and refuses whoever would be next: also a server's
requests, where a hundred sockets hold one each."""

_REFUSALS = (OutOfMemoryError, ReadOnlyError, MasterDownError)
"""What it answers when it cannot; redis-py takes the word for it off the message."""

_REFUSAL_WORDS = re.compile(r"(^|: -)(OOM|READONLY|MISCONF|NOREPLICAS|BUSY)\b")
"""The same of a script in Redis 6.2, which wraps it, and what redis-py has no class for."""


class Connection:
    """A pool of connections to one Redis, and the scripts run over it.

    `head` is what every script is told first, but for the name of a new log: see `prelude.lua`.
    Nothing is repeated behind the caller's back: after a lost reply only the verb knows whether
    asking again is safe.
    """

    def __init__(
        self, url: str, head: tuple[str | int, ...], *, timeout_s: float = BLOCK_S + 5
    ) -> None:
        self.redis: Any = redis.Redis.from_url(
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
        self._scripts: dict[str, Any] = {}

    def run(self, verb: str, *args: str | bytes | int) -> Any:
        """Run the script of `verb`; the prelude's arguments come first."""
        script = self._scripts.get(verb)
        if script is None:
            script = self._scripts[verb] = self.redis.register_script(source(verb))
        prefix, *rules = self._head
        with refusals():
            return script(args=(prefix, secrets.token_hex(8), *rules, *args))


@contextmanager
def refusals() -> Iterator[None]:
    """Raise `Unavailable` for whatever Redis cannot do at the moment."""
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise Unavailable(f"Redis does not answer ({error})") from error
    except redis.ResponseError as error:
        if isinstance(error, _REFUSALS) or _REFUSAL_WORDS.search(str(error)):
            raise Unavailable(f"Redis refuses to work ({error})") from error
        raise
