"""gunicorn's threads, of which none waits for the head of a request.

Its own `gthread` gives a thread to a connection when the first byte has come, and that thread reads
until the head is whole: as many connections as there are threads, each of which sends a byte now
and then, hold up everybody for as long as they like. Here the main loop collects heads, and a
thread gets a connection with a whole one. A thread that has answered looks for the next one itself,
for a moment and if it is there at once whole: who asks one thing after another is spared two ways
through the main loop.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import TConn

from taskkit.protocol.errors import RequestError

from .http_worker import HeadersTooLarge, HttpWorker, NotHttp, answer_to

HEAD_S = 10.0
"""How long a head may take from its first byte, or a new connection until its head is whole."""

HEAD_BYTES = 65_536
"""How long it may be."""

MOST_HEADS = 512
"""How many connections may be in the midst of one. The oldest makes room for another."""

DRAIN_S = 0.05
"""How long the rest of a body is awaited that nobody wanted; else the connection is closed."""

LINGER_S = 2.0
"""How long the other side has to close a connection when it has its last answer."""

MOST_IDLE = 512
"""How many may be kept open between two requests. The oldest makes room for another."""

STAY_S = 0.05
"""How long a thread that has answered waits for the next request of the same client."""

MOST_STAY = 8
"""How many threads may wait so: far fewer than a server keeps free of sockets."""

_UPGRADE = re.compile(rb"\nupgrade[ \t]*:[ \t]*websocket", re.IGNORECASE)
_END = b"\r\n\r\n"
_NO_METHOD = re.compile(rb"[\r\n]*[^\r\n!#$%&'*+.^_`|~0-9A-Za-z-]")
"""What cannot begin a request, such as that of TLS. Source: RFC 9110, 5.6.2; RFC 9112, 2.2."""


@dataclass
class _Head:
    until: float
    received: bytearray = field(default_factory=bytearray)


class HeadsFirst(HttpWorker):
    """See the module. Plain HTTP only: TLS ends at a proxy."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._heads: dict[TConn, _Head] = {}
        #: The oldest first; touched by the main thread alone, as the next.
        self._ending: dict[TConn, float] = {}
        #: Connections whose last answer is on its way, and until when at most they stay open.
        self._stays = threading.BoundedSemaphore(MOST_STAY)

    def accept(self, listener: socket.socket) -> None:
        """Take a connection, and read what has come of it already."""
        try:
            client, address = listener.accept()
        except OSError:  # it is gone again, or there is no file descriptor left
            return
        self.nr_conns += 1
        self._collect(TConn(self.cfg, client, address, listener.getsockname()))

    def on_client_socket_readable(self, conn: TConn, client: socket.socket) -> None:
        """Read the next head on a connection that was kept."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._collect(conn)

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        """Keep a connection or end it; what came behind a request begins the next head."""
        if fs.cancelled() or fs.exception() is not None:
            super().finish_request(conn, fs)  # which closes it
        elif conn.is_websocket:
            # Its reader may have the socket still, and make it wait: nothing is read of it here.
            self.nr_conns -= 1
            conn.close()
        elif fs.result() is not True:
            self._end(conn)
        elif behind := conn.parser.unreader.take_buffered():
            self._collect(conn, behind)
        else:
            super().finish_request(conn, fs)
            while len(self.keepalived_conns) > MOST_IDLE:
                self.keepalived_conns[0].timeout = 0.0
                self.murder_keepalived()

    def murder_pending(self) -> None:
        """Close what takes too long; when this process stops, all that has not asked yet."""
        super().murder_pending()
        now = time.monotonic()
        for conn, head in list(self._heads.items()):
            if head.until < now or not (self.alive or head.received):
                self._drop(conn)
        for conn, until in list(self._ending.items()):
            if until < now:
                self._drop(conn)

    def handle(self, conn: TConn) -> Any:
        """Serve a request whose head is there, in a thread, and those that follow it closely."""
        is_kept = self._serve(conn)
        while is_kept is True and self.alive and self._has_next(conn):
            is_kept = self._serve(conn)
        return is_kept

    def _has_next(self, conn: TConn) -> bool:
        """Wait a moment for the next head; what came of it is kept for who reads on."""
        unreader = conn.parser.unreader
        if conn.is_websocket or unreader.buf.getvalue() or not self._stays.acquire(blocking=False):
            return False
        try:
            conn.sock.settimeout(STAY_S)
            piece = conn.sock.recv(HEAD_BYTES)
        except OSError:  # nothing came, or the connection broke, which the main loop sees again
            return False
        finally:
            self._stays.release()
        if piece and _END in piece and not _NO_METHOD.match(piece):
            conn.received = piece
            return True
        # Part of one, or no HTTP: for the main loop to wait for, or to refuse. At its end, too, the
        # main loop reads on, and finds it.
        unreader.unread(piece)
        return False

    def _serve(self, conn: TConn) -> Any:
        conn.is_websocket = False
        if (received := conn.__dict__.pop("received", None)) is not None:
            conn.is_websocket = _UPGRADE.search(received) is not None
            conn.sock.setblocking(True)
            conn.init()
            conn.parser.unreader.unread(received)
        return super().handle(conn)

    def _keepalive_after(self, conn: TConn, keepalive: bool) -> bool:
        # What was not read of a body is not waited for: gunicorn would give it five seconds.
        if not keepalive:
            return False
        return bool(conn.parser.finish_body(deadline=time.monotonic() + DRAIN_S))

    def _collect(self, conn: TConn, received: bytes = b"") -> None:
        if len(self._heads) >= MOST_HEADS:
            self._drop(next(iter(self._heads)))
        conn.sock.setblocking(False)
        head = self._heads[conn] = _Head(time.monotonic() + HEAD_S)
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_readable, conn))
        if received:
            self._add(conn, head, received)
        else:
            self._on_readable(conn, conn.sock)

    def _on_readable(self, conn: TConn, client: socket.socket) -> None:
        try:
            piece = client.recv(HEAD_BYTES)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if piece:
            self._add(conn, self._heads[conn], piece)
        else:
            self._drop(conn)

    def _add(self, conn: TConn, head: _Head, piece: bytes) -> None:
        seen = max(0, len(head.received) - len(_END) + 1)
        head.received += piece
        if _NO_METHOD.match(head.received):
            # Said at once: whoever speaks TLS here would wait for an answer until a head is late.
            self._refuse(
                conn, NotHttp("this is no HTTP; TLS is spoken by a proxy before the server")
            )
        elif head.received.find(_END, seen) >= 0:
            self._release(conn)
            conn.received, conn.data_ready = bytes(head.received), True
            self.enqueue_req(conn)
        elif len(head.received) > HEAD_BYTES:
            self._refuse(conn, HeadersTooLarge(f"a head has {HEAD_BYTES:,} bytes at most"))

    def _refuse(self, conn: TConn, error: RequestError) -> None:
        with suppress(OSError):
            conn.sock.send(answer_to(error))
        self._drop(conn)

    def _end(self, conn: TConn) -> None:
        """Close a connection when the other side has, or in a moment: else it may miss the answer.

        gunicorn waits for that in its main loop, two seconds for each. Source: RFC 9112, 9.6.
        """
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
            self.poller.register(conn.sock, EVENT_READ, partial(self._on_ending, conn))
        except (OSError, ValueError, KeyError):  # it was closed already
            self.nr_conns -= 1
            conn.close()
            return
        self._ending[conn] = time.monotonic() + LINGER_S

    def _on_ending(self, conn: TConn, client: socket.socket) -> None:
        try:
            is_over = not client.recv(HEAD_BYTES)
        except BlockingIOError:
            return
        except OSError:
            is_over = True
        if is_over:
            self._drop(conn)

    def _release(self, conn: TConn) -> None:
        self._heads.pop(conn, None)
        self._ending.pop(conn, None)
        self.poller.unregister(conn.sock)

    def _drop(self, conn: TConn) -> None:
        self._release(conn)
        self.nr_conns -= 1
        conn.close()
