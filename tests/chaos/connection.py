"""One proxied connection: the client's socket, the server's, and a lane each way."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from .lane import CHUNK_BYTES, Cut, Lane, ServerGone
from .modes import HalfOpen, Mode, Way

Address = tuple[str, int]

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER on, for 0 s: to close is to send RST. Source: socket(7), "SO_LINGER"."""


class Connection:
    """Runs in the proxy's loop as one task, after which `close` is called.

    Where one side breaks, or the server cannot be reached, the other side gets an RST.
    """

    def __init__(
        self,
        client: socket.socket,
        server: Address,
        *,
        mode: Callable[[], Mode],
        carried: Callable[[Way, int], None],
    ) -> None:
        self._client = client
        self._server = plain_socket()
        self._address = server
        self._mode = mode
        self._carried = carried
        self._lanes: tuple[Lane, ...] = ()
        self._is_alone = False
        self.is_to_be_reset = False
        #: Whether `close` sends RST instead of FIN.
        self.has_left_server = asyncio.Event()

    async def run(self) -> None:
        """Carry both ways until both ended, or something ends it sooner."""
        try:
            await self._carry()
        except* ServerGone:
            self._is_alone = True
        except* (Cut, OSError):
            self.is_to_be_reset = True
        if self._is_alone and not self.is_to_be_reset:
            self._leave_server()
            await self._stay_silent()

    def switched(self) -> None:
        """Reconsider everything: another mode was set."""
        for lane in self._lanes:
            lane.switched()

    def close(self) -> None:
        """Close both sockets, with RST or FIN; no task may be using them."""
        for one in (self._client, self._server):
            if self.is_to_be_reset and one.fileno() >= 0:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._leave_server()
        self._client.close()

    async def _carry(self) -> None:
        if self._mode() == HalfOpen():
            raise ServerGone
        await asyncio.get_running_loop().sock_connect(self._server, self._address)
        self._lanes = (
            self._lane(Way.TO_SERVER, self._client, self._server),
            self._lane(Way.TO_CLIENT, self._server, self._client),
        )
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(lane.read())
                group.create_task(lane.deliver())

    def _lane(self, way: Way, source: socket.socket, sink: socket.socket) -> Lane:
        return Lane(way, source, sink, mode=self._mode, carried=self._carried)

    def _leave_server(self) -> None:
        self._server.close()
        self.has_left_server.set()

    async def _stay_silent(self) -> None:
        """Take what the client sends and say nothing, until it closes."""
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            while await loop.sock_recv(self._client, CHUNK_BYTES):
                pass


def plain_socket() -> socket.socket:
    """Return a TCP socket of the proxy's kind.

    Its kernel buffers are small and fixed: where the proxy does not read, the sender feels it
    after some ten kilobytes, not after the megabytes to which Linux lets buffers grow.
    """
    one = socket.socket()
    one.setblocking(False)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, CHUNK_BYTES)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, CHUNK_BYTES)
    # Nagle's algorithm would hold a small piece back until the one before it is acknowledged.
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return one
