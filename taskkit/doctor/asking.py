"""Requests to a server that may be anything: what comes back, or why nothing does."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3 import exceptions

from ..connection import Connection
from ..protocol import wire

WITHIN_S = 5.0
"""How long an answer may take. A server waits longer than that for a Redis that hangs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a server answered, whatever it is."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Their names in lower case.
    body: bytes = b""
    sent_at: float = 0.0
    #: Seconds since the Unix epoch by this machine's clock, as `came_at`.
    came_at: float = 0.0

    @property
    def took_ms(self) -> float:
        """How long it took."""
        return 1000 * (self.came_at - self.sent_at)

    def json(self) -> Mapping[str, Any]:
        """Return the object that it holds; an empty one where that is no JSON."""
        try:
            obj = json.loads(self.body)
        except ValueError:
            return {}
        return obj if isinstance(obj, dict) else {}

    @property
    def code(self) -> str:
        """The code of a problem of taskkit's; empty where it is none."""
        return str(self.json().get("code", "")) if self.status >= 400 else ""

    @property
    def detail(self) -> str:
        """What a problem says, or the status of what is none."""
        return str(self.json().get("detail") or f"HTTP {self.status}")


class Why(StrEnum):
    """Why no answer came."""

    TIMEOUT = "timeout"
    #: The connection was made, and nothing came for `WITHIN_S`.
    TLS = "tls"
    #: The two could not agree on a secure connection.
    CUT = "cut"
    #: The connection was closed before an answer came, or that was no HTTP.
    UNCONNECTED = "unconnected"


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer came."""

    why: Why
    words: str
    #: As the library says it.


class Asking:
    """Asks one server, as a client does: straight, whatever proxy the environment names."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._made: tuple[urllib3.HTTPConnectionPool, str] | None = None

    def get(self, path: str) -> Answer | Silence:
        """Ask for `path`."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: object = None) -> Answer | Silence:
        """Send JSON to `path`."""
        return self._ask("POST", path, json.dumps(body or {}).encode())

    def _ask(self, method: str, path: str, body: bytes | None) -> Answer | Silence:
        pool, prefix = self._pool()
        sent_at = time.time()
        try:
            response = pool.urlopen(
                method, prefix + path, body=body, headers=self._headers(), redirect=False
            )
        except (exceptions.HTTPError, OSError) as error:
            return silence_of(error)
        return Answer(
            status=response.status,
            headers={name.lower(): value for name, value in response.headers.items()},
            body=response.data,
            sent_at=sent_at,
            came_at=time.time(),
        )

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": f"{wire.JSON}, */*", "Content-Type": wire.JSON}
        if self._connection.token:
            headers["Authorization"] = f"Bearer {self._connection.token.strip()}"
        return headers

    def _pool(self) -> tuple[urllib3.HTTPConnectionPool, str]:
        if self._made is None:
            parts = urlsplit(self._connection.url)
            pool = urllib3.connectionpool.connection_from_url(
                f"{parts.scheme}://{parts.netloc}", retries=False, timeout=WITHIN_S
            )
            self._made = pool, parts.path.rstrip("/")
        return self._made


def silence_of(error: Exception) -> Silence:
    """Return what an error of urllib3's means."""
    words = str(error).rsplit(": ", 1)[-1].strip("()'\" .")
    match error:
        case exceptions.SSLError() | ssl.SSLError():
            return Silence(Why.TLS, str(error))
        case exceptions.ConnectTimeoutError() | exceptions.NewConnectionError():
            return Silence(Why.UNCONNECTED, words)
        case exceptions.TimeoutError():
            return Silence(Why.TIMEOUT, words)
    return Silence(Why.CUT, words)
