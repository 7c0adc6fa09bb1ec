"""`FaultProxy`: a TCP proxy that misbehaves as it is told."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from .connection import Address, Connection, plain_socket
from .modes import HalfOpen, Mode, Pass, Refuse, Reset, Way

LIMIT_S = 10.0
"""How long the proxy's thread may take for what it is asked to do; it is a matter of ms."""

BACKLOG = 128

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """What went through a proxy since it began."""

    made: int
    #: Connections that clients made, also those that were reset at once; not the refused ones.
    live: int
    #: Those of them that are there now.
    to_server_bytes: int
    #: Delivered to servers; what was swallowed is not counted.
    to_client_bytes: int
    #: Delivered to clients.


class FaultProxy:
    """Stands between clients and a server, at `address` while its ``with`` block lasts.

    Its mode is `modes.Pass` until `switch` sets another. All methods may be called from any
    thread; the work is done in one thread of its own, named ``fault-proxy``.

    >>> with FaultProxy("127.0.0.1", 6379) as proxy:
    ...     proxy.switch(BlackHole(Way.TO_CLIENT))
    """

    def __init__(self, host: str, port: int, *, listen_on: str = "127.0.0.1") -> None:
        self._server: Address = (host, port)
        self._listen_on = listen_on
        self._mode: Mode = Pass()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="fault-proxy", daemon=True
        )
        self._holder = plain_socket()
        self._listener: socket.socket | None = None
        self._live: dict[Connection, asyncio.Task[None]] = {}
        self._made = 0
        self._carried_bytes = {Way.TO_SERVER: 0, Way.TO_CLIENT: 0}

    def __enter__(self) -> Self:
        # Bound, but never listening: it keeps the port ours while `Refuse` closes the listener.
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind((self._listen_on, 0))
        self._thread.start()
        self._ask(self._switch(Pass()))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ask(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LIMIT_S)
        self._loop.close()
        self._holder.close()

    @property
    def address(self) -> Address:
        """The host and port at which clients find it; the port stays the same."""
        host, port = self._holder.getsockname()
        return host, port

    @property
    def mode(self) -> Mode:
        """The mode that is set."""
        return self._mode

    @property
    def counters(self) -> Counters:
        """What went through until now."""
        return Counters(
            made=self._made,
            live=len(self._live),
            to_server_bytes=self._carried_bytes[Way.TO_SERVER],
            to_client_bytes=self._carried_bytes[Way.TO_CLIENT],
        )

    def switch(self, mode: Mode) -> None:
        """Set the mode, for live connections and new ones; it is in force when this returns."""
        self._ask(self._switch(mode))

    def cut(self) -> None:
        """Send RST on both sides of all live connections, once; the mode stays."""
        self._ask(self._reset_all())

    def _ask(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(LIMIT_S)

    async def _switch(self, mode: Mode) -> None:
        self._mode = mode
        for connection in self._live:
            connection.switched()
        match mode:
            case Reset():
                await self._reset_all()
            case HalfOpen():
                for connection in list(self._live):
                    await connection.has_left_server.wait()
        if mode == Refuse():
            self._stop_listening()
        else:
            self._listen()

    def _listen(self) -> None:
        if self._listener is None:
            self._listener = plain_socket()
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind(self.address)
            self._listener.listen(BACKLOG)
            self._loop.add_reader(self._listener, self._accept, self._listener)

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            self._loop.remove_reader(listener)
            listener.close()

    def _accept(self, listener: socket.socket) -> None:
        # A plain callback: a task that is cancelled in `sock_accept` may drop a connection unseen.
        with suppress(BlockingIOError, ConnectionAbortedError):
            client, _ = listener.accept()
            client.setblocking(False)
            self._begin(client)

    def _begin(self, client: socket.socket) -> None:
        connection = Connection(client, self._server, mode=lambda: self._mode, carried=self._count)
        task = self._loop.create_task(connection.run())
        self._made += 1
        self._live[connection] = task
        task.add_done_callback(lambda _: self._end(connection))
        if self._mode == Reset():
            connection.is_to_be_reset = True
            task.cancel()

    def _count(self, way: Way, size: int) -> None:
        self._carried_bytes[way] += size

    def _end(self, connection: Connection) -> None:
        connection.close()
        del self._live[connection]

    async def _reset_all(self) -> None:
        tasks = list(self._live.values())
        for connection, task in self._live.items():
            connection.is_to_be_reset = True
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _close(self) -> None:
        self._stop_listening()
        await self._reset_all()
