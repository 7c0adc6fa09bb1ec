"""Socket.IO: a client says how far it has read, and is fed from there."""

from __future__ import annotations

import logging
import threading
from typing import Any

from flask import Flask, request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import SocketIO

from taskkit.ledger import Ledger
from taskkit.logs import also_about
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.errors import Forbidden, Unauthorized, Unavailable
from taskkit.protocol.spec import WORKERS_LOG
from taskkit.protocol.tokens import Scope

from ..access.auth import Auth, Identity
from ..metrics.counts import TOO_MANY, Metrics
from ..settings import Settings
from .feed import Feed
from .roster import Roster
from .seats import Seats
from .upgrades import MESSAGE_BYTES, Upgrades

logger = logging.getLogger(__name__)

JOBS, WORKERS = "jobs", "workers"
"""Names of the two logs on the wire: the owner's own, and that of all workers."""


def log_named(name: str, owner: str) -> str | None:
    """Return the ledger's name of a log that `owner` may read, or None."""
    return {JOBS: owner, WORKERS: WORKERS_LOG}.get(name)


LOOK_S = 1.0
"""How often it is looked whether the tokens of open sockets are valid still."""


class Sockets:
    """Holds a feed for each connected socket, as long as its token is valid."""

    def __init__(
        self,
        app: Flask,
        settings: Settings,
        seats: Seats,
        ledger: Ledger,
        auth: Auth,
        metrics: Metrics,
    ) -> None:
        self._seats = seats
        self._ledger = ledger
        self._auth = auth
        self._metrics = metrics
        self._opened_by: dict[str, Identity] = {}
        #: Who opened each socket.
        self._watching: threading.Thread | None = None
        self._max_a_user = settings.max_sockets_per_user
        self._feeds: dict[str, Feed] = {}
        self._lock = threading.Lock()
        self._socketio = SocketIO(
            app,
            # Named, because Engine.IO would try eventlet first; the gate has looked at Origin.
            async_mode="threading",
            transports=["websocket"],
            cors_allowed_origins="*",
            max_http_buffer_size=MESSAGE_BYTES,
            ping_interval=10,
            ping_timeout=10,
            client_manager=Roster(self._feed),
        )
        self._socketio.on_event("connect", self._connect)
        self._socketio.on_event("disconnect", self._disconnect)
        app.wsgi_app = Upgrades(  # type: ignore[method-assign]
            app.wsgi_app, self._socketio, settings.max_sockets
        )

    def _connect(self, auth: object) -> None:
        said = auth if isinstance(auth, dict) else {}
        token = said.get("token")
        try:
            if isinstance(token, str):
                who = self._auth.identity(token, request.remote_addr)
            else:
                # A browser cannot send a token's header with a WebSocket; what stands before it
                # can, and the cookie of a session is sent by itself.
                who = self._auth.asker()()
            who.require(Scope.READ)
            also_about(user=who.owner)
        except (Unauthorized, Forbidden, Unavailable) as error:
            self._metrics.socket_refused(error.code)
            raise Refused(str(error)) from error
        logs = {}
        for name, place in _places(said.get("logs")):
            log = log_named(name, who.owner)
            if log is not None:
                logs[name] = (log, place)
        self._begin(request.sid, logs, who)  # type: ignore[attr-defined]

    def _begin(self, sid: str, logs: dict[str, tuple[str, Cursor]], who: Identity) -> None:
        def emit(event: str, packet: dict[str, Any]) -> None:
            self._socketio.emit(event, packet, to=sid)
            self._metrics.packet(event, len(packet.get("events", ())))

        feed = Feed(self._ledger, logs, emit, lambda: self._backlog(sid))
        with self._lock:
            if sum(one.owner == who.owner for one in self._opened_by.values()) >= self._max_a_user:
                self._metrics.socket_refused(TOO_MANY)
                raise Refused(
                    f"{who.owner} has {self._max_a_user} sockets open already, and each holds a "
                    "thread of the server: shut down kernels and pages that are not needed"
                )
            if not self._seats.take():
                self._metrics.socket_refused(TOO_MANY)
                raise Refused("the server has as many sockets as it can serve")
            self._feeds[sid] = feed
            self._opened_by[sid] = who
            if who.token:
                self._watch()
        self._metrics.sockets.inc()

    def _feed(self, sid: str) -> None:
        with self._lock:
            feed = self._feeds.get(sid)
        if feed is not None:
            feed.start()

    def _disconnect(self, _reason: object = None) -> None:
        with self._lock:
            feed = self._feeds.pop(request.sid, None)  # type: ignore[attr-defined]
            self._opened_by.pop(request.sid, None)  # type: ignore[attr-defined]
        if feed is not None:
            self._seats.leave()
            self._metrics.sockets.dec()
            feed.stop()

    def _watch(self) -> None:
        """Look after tokens from now on, where that is not done yet."""
        if self._watching is None:
            self._watching = threading.Thread(
                target=self._look_after_tokens, name="taskkit-tokens", daemon=True
            )
            self._watching.start()

    def _look_after_tokens(self) -> None:
        """Close sockets whose token was revoked or has expired, until none is open with one."""
        pause = threading.Event()
        while True:
            pause.wait(LOOK_S)
            with self._lock:
                # The stack's own token, which has no id, is valid as long as the server runs.
                open_by = {sid: who for sid, who in self._opened_by.items() if who.token}
                if not open_by:
                    self._watching = None
                    return
            try:
                valid = self._auth.valid(open_by.values())
                for sid, who in open_by.items():
                    if who.token not in valid:
                        self._close(sid)
            except Unavailable:
                continue  # nothing is read from a ledger that is away either
            except Exception:  # the edge of this thread: it must live on
                logger.exception("tokens could not be looked after")

    def _close(self, sid: str) -> None:
        with self._lock:
            feed = self._feeds.get(sid)
        if feed is not None:
            feed.stop()
        self._socketio.server.disconnect(sid)

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
