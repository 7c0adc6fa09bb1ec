"""A socket that notes when it hears of what, opened as a client opens its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import client
from typing import Any
from urllib.parse import urlsplit

from ..connection import Connection
from ..protocol import wire
from ..protocol.errors import DecodeError
from ..protocol.events import Event

OPEN_WITHIN_S = 5
LOG = "jobs"

_LOGGER = logging.getLogger("taskkit.doctor.socket")
_LOGGER.addHandler(logging.NullHandler())
_LOGGER.propagate = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What came of it."""

    objection: str = ""
    #: Why it could not be opened, as the library or the server says it.
    handshake: int = 0
    #: What a plain request for a WebSocket, without any proxy of the environment, is answered where
    #: it could not be opened; 101 is a yes, 0 is nothing.
    server: str = ""
    #: Who answers that.
    opened_ms: float = 0.0
    events: tuple[tuple[float, Event], ...] = ()
    #: Each with the moment of its arrival, in seconds since the Unix epoch.


class Listener:
    """Hears the owner's log from `place` on, from `open` to `close`."""

    def __init__(self, connection: Connection, place: Mapping[str, Any]) -> None:
        self._connection = connection
        self._place = {"epoch": place.get("epoch", ""), "after": place.get("seq", 0)}
        self._changed = threading.Condition()
        self._events: list[tuple[float, Event]] = []
        self._objection = ""
        self._opened_ms = 0.0
        self._socket: Any = None

    def open(self) -> None:
        """Connect; what stands in the way is noted."""
        from ..client.lean import NotConnected  # takes a while to load
        from ..client.socket import Socket

        began = time.perf_counter()
        socket = Socket(self._connection, _LOGGER)
        socket.on("batch", self._on_batch)
        socket.on("connect_error", self._on_refusal)
        try:
            socket.open({LOG: self._place}, wait_s=OPEN_WITHIN_S)
        except (NotConnected, OSError, ValueError) as error:
            self._objection = self._objection or str(error) or type(error).__name__
            return
        self._opened_ms = 1000 * (time.perf_counter() - began)
        self._socket = socket

    def close(self) -> None:
        """Hang up."""
        socket, self._socket = self._socket, None
        if socket is not None:
            with suppress(OSError):
                socket.disconnect()

    def await_event(self, job_id: str, kind: str, within_s: float) -> bool:
        """Wait for an event of a job; return whether it came. At once where nothing can come."""
        with self._changed:
            return self._changed.wait_for(
                lambda: any(e.job == job_id and e.type == kind for _, e in self._events),
                within_s if self._socket is not None else 0,
            )

    def heard(self, job_id: str) -> Heard:
        """Return what was heard of a job; where nothing could be, what a plain request meets."""
        with self._changed:
            events = tuple((at, event) for at, event in self._events if event.job == job_id)
        if not self._objection:
            return Heard(opened_ms=self._opened_ms, events=events)
        status, server = shake_hands(self._connection.url)
        return Heard(objection=self._objection, handshake=status, server=server)

    def _on_batch(self, packet: dict[str, Any]) -> None:
        now = time.time()
        with suppress(DecodeError), self._changed:
            events = [wire.event_from_wire(obj) for obj in packet["events"]]
            self._events += [(now, event) for event in events]
            self._changed.notify_all()

    def _on_refusal(self, told: object = None) -> None:
        self._objection = str(told.get("message", "")) if isinstance(told, dict) else ""


def shake_hands(url: str) -> tuple[int, str]:
    """Ask for a WebSocket by a plain request; return the status (0 for none) and who answers.

    Source: RFC 6455, section 4.1; the key is that of its section 1.3.
    """
    parts = urlsplit(url)
    kind = client.HTTPSConnection if parts.scheme == "https" else client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=OPEN_WITHIN_S)
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    }
    path = f"{parts.path.rstrip('/')}/socket.io/?EIO=4&transport=websocket"
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers.get("Server", "")
    except (OSError, client.HTTPException):
        return 0, ""
    finally:
        connection.close()
