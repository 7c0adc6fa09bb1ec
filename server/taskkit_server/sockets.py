"""Socket.IO: a client says how far it has read, and is fed from there."""

from __future__ import annotations

import threading
from typing import Any

from flask import Flask, request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import SocketIO

from taskkit.ledger import Ledger
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.errors import Unauthorized
from taskkit.protocol.spec import WORKERS_LOG

from .auth import Auth, bearer
from .feed import Feed
from .settings import Settings

JOBS, WORKERS = "jobs", "workers"
"""Names of the two logs on the wire: the owner's own, and that of all workers."""


def log_named(name: str, owner: str) -> str | None:
    """Return the ledger's name of a log that `owner` may read, or None."""
    return {JOBS: owner, WORKERS: WORKERS_LOG}.get(name)


class Sockets:
    """Holds a feed for each connected socket."""

    def __init__(self, app: Flask, settings: Settings, ledger: Ledger, auth: Auth) -> None:
        self._ledger = ledger
        self._auth = auth
        self._max_sockets = settings.max_sockets
        self._feeds: dict[str, Feed] = {}
        self._lock = threading.Lock()
        self._socketio = SocketIO(
            app,
            # Named, because Engine.IO would try eventlet first; the gate has looked at Origin.
            async_mode="threading",
            transports=["websocket"],
            cors_allowed_origins="*",
            max_http_buffer_size=65_536,
            ping_interval=10,
            ping_timeout=10,
        )
        self._socketio.on_event("connect", self._connect)
        self._socketio.on_event("disconnect", self._disconnect)

    def _connect(self, auth: object) -> None:
        said = auth if isinstance(auth, dict) else {}
        token = said.get("token")
        try:
            if not isinstance(token, str):
                # A browser cannot send this header with a WebSocket; what stands before it can.
                token = bearer(request.headers.get("Authorization"))
            owner = self._auth.owner(token, request.remote_addr)
        except Unauthorized as error:
            raise Refused(str(error)) from error
        logs = {}
        for name, place in _places(said.get("logs")):
            log = log_named(name, owner)
            if log is not None:
                logs[name] = (log, place)
        self._begin(request.sid, logs)  # type: ignore[attr-defined]

    def _begin(self, sid: str, logs: dict[str, tuple[str, Cursor]]) -> None:
        def emit(event: str, packet: dict[str, Any]) -> None:
            self._socketio.emit(event, packet, to=sid)

        feed = Feed(self._ledger, logs, emit, lambda: self._backlog(sid))
        with self._lock:
            if len(self._feeds) >= self._max_sockets:
                raise Refused("the server has as many sockets as it can serve")
            self._feeds[sid] = feed
        feed.start()

    def _disconnect(self, _reason: object = None) -> None:
        with self._lock:
            feed = self._feeds.pop(request.sid, None)  # type: ignore[attr-defined]
        if feed is not None:
            feed.stop()

    def _backlog(self, sid: str) -> int:
        """Return how many packets wait to be written; Engine.IO itself sets no bound."""
        server = self._socketio.server
        eio_sid = server.manager.eio_sid_from_sid(sid, "/")
        socket = server.eio.sockets.get(eio_sid)
        return 0 if socket is None else int(socket.queue.qsize())


def _places(logs: object) -> list[tuple[str, Cursor]]:
    if not isinstance(logs, dict):
        return []
    places = []
    for name, place in logs.items():
        if not isinstance(place, dict):
            raise Refused(f"the cursor of {name!r} is not understood")
        epoch, after, at = place.get("epoch", ""), place.get("after", 0), place.get("at", 0)
        is_count = all(isinstance(n, int) and 0 <= n < 2**53 for n in (after, at))
        if not isinstance(epoch, str) or not is_count:
            raise Refused(f"the cursor of {name!r} is not understood")
        places.append((str(name), Cursor(epoch, after, at)))
    return places
