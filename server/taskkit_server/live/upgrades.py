"""WebSockets before anybody is known on them: how many, how large a message, and how long.

Each holds a thread from its upgrade on: those who never say who they are would hold them all.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from engineio.async_drivers._websocket_wsgi import SimpleWebSocketWSGI
from engineio.packet import Packet
from flask_socketio import SocketIO

from taskkit.protocol import wire
from taskkit.protocol.errors import Unavailable, to_problem

from .pings import Pings

logger = logging.getLogger(__name__)

INTRODUCTION_S = 10.0
"""How long a socket may take to show a token that is let in."""

LOOK_S = 1.0

REFUSED_IN_WORDS = 8
"""How many more than may stay are let in to be told so: Socket.IO's clients understand that."""

MESSAGE_BYTES = 65_536
"""How long a client's message may be. It says where it has read to, and answers pings."""

CONNECTION = "gunicorn.socket"

Environ = dict[str, Any]
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class Upgrades:
    """WSGI middleware between the gate and Engine.IO."""

    def __init__(self, app: WsgiApp, socketio: SocketIO, most: int) -> None:
        self._app = app
        self._server = socketio.server
        self._most = most
        self._lock = threading.Lock()
        self._open: list[Environ] = []
        #: What each open one came with, its connection among it.
        self._since: dict[int, float] = {}
        #: When one was first seen on which nobody was known, by the identity of its environ.
        self._watching: threading.Thread | None = None
        Pings(self._server.eio)
        # Engine.IO 4 compares a message's length when it is all there, in memory.
        websocket = partial(_Packets, max_message_size=MESSAGE_BYTES, thread_class=_Reader)
        self._server.eio._async = {**self._server.eio._async, "websocket": websocket}  # noqa: SLF001

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("HTTP_UPGRADE", "").lower() != "websocket":
            return self._app(environ, start_response)
        with self._lock:
            if len(self._open) >= self._most + REFUSED_IN_WORDS:
                return _refused(start_response)
            self._open.append(environ)
            self._watch()
        try:
            return self._app(environ, start_response)  # returns when the socket has ended
        finally:
            with self._lock:
                self._open = [one for one in self._open if one is not environ]

    def _watch(self) -> None:
        if self._watching is None:
            self._watching = threading.Thread(
                target=self._look_after_strangers, name="taskkit-strangers", daemon=True
            )
            self._watching.start()

    def _look_after_strangers(self) -> None:
        """Close sockets on which nobody is known for too long, until none is open."""
        pause = threading.Event()
        while True:
            pause.wait(LOOK_S)
            with self._lock:
                open_now = list(self._open)
                if not open_now:
                    self._watching = None
                    return
            try:
                self._look(open_now)
            except Exception:  # the edge of this thread: it must live on
                logger.exception("sockets could not be looked after")

    def _look(self, open_now: list[Environ]) -> None:
        """Cut off those on which nobody is known, not yet or no more.

        Engine.IO says that it closes a socket and then waits for the other side to say so, too.
        """
        now, manager = time.monotonic(), self._server.manager
        # By the connection: flask-socketio hands a copy of the environ on.
        known = {
            id(environ.get(CONNECTION))
            for sid, environ in list(self._server.environ.items())
            if manager.sid_from_eio_sid(sid, "/") is not None
        }
        strangers = [one for one in open_now if id(one.get(CONNECTION)) not in known]
        self._since = {id(one): self._since.get(id(one), now) for one in strangers}
        for one in strangers:
            connection = one.get(CONNECTION)
            if connection is not None and now - self._since[id(one)] > INTRODUCTION_S:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Reader(threading.Thread):
    """Reads a WebSocket; when it ends, however it does, whoever waits for a message hears of it.

    simple-websocket 1.1 says first that something has come and then that it was the end: a message
    that is too long, or one that breaks the protocol. Who looked in between waited for ever, and
    nobody could cut that socket off: its file was closed.
    """

    def __init__(self, target: Callable[[], None]) -> None:
        super().__init__(target=target)
        self._websocket = target.__self__  # type: ignore[attr-defined]

    def run(self) -> None:
        websocket = self._websocket
        del self._websocket
        try:
            super().run()
        finally:
            websocket.connected = False
            websocket.event.set()


class _Packets(SimpleWebSocketWSGI):  # type: ignore[misc]
    """A WebSocket that ends at what is no packet.

    Engine.IO 4.14 itself is thrown out of its loop by that, and does not hear of the socket's end
    until a ping is missed, 20 s later: so long its seat and its thread are not free.
    """

    def wait(self) -> Any:
        message = super().wait()
        try:
            if message is not None:
                Packet(encoded_packet=message)
        except (ValueError, RecursionError):
            return None
        return message

    def close(self) -> None:
        with suppress(OSError):  # it may have been cut off meanwhile
            super().close()


def _refused(start_response: Callable[..., Any]) -> Iterable[bytes]:
    error = Unavailable("the server has as many sockets as it can serve")
    body = json.dumps(to_problem(error)).encode()
    headers = [("Content-Type", wire.PROBLEM), ("Content-Length", str(len(body)))]
    start_response("503 Service Unavailable", [*headers, ("Retry-After", "5")])
    return [body]
