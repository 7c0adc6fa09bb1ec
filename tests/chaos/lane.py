"""One direction of one proxied connection."""

from __future__ import annotations

import asyncio
import math
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from .modes import BlackHole, CutAfter, HalfOpen, Latency, Mode, Throttle, Way

CHUNK_BYTES = 65_536
"""How much is read at once; without latency also the most that a lane holds."""

DELAYED_BYTES = 4 * CHUNK_BYTES
"""About how much a lane may hold back under `Latency`; beyond it, latency throttles."""

SLICES_PER_S = 20
"""Into how many deliveries `Throttle` divides a second, where there are bytes enough."""


class Cut(Exception):
    """The mode wants this connection reset now."""


class ServerGone(Exception):
    """The mode wants the server's side of this connection closed now."""


class Lane:
    """Reads from one socket and delivers to the other, as the mode of each moment says.

    `read` and `deliver` run side by side in the proxy's loop, and `switched` is called from it.
    Both raise what ends the whole connection: `Cut`, `ServerGone`, or the socket's `OSError`.
    """

    def __init__(
        self,
        way: Way,
        source: socket.socket,
        sink: socket.socket,
        *,
        mode: Callable[[], Mode],
        carried: Callable[[Way, int], None],
    ) -> None:
        self._way = way
        self._source = source
        self._sink = sink
        self._mode = mode
        self._carried = carried
        self._loop = asyncio.get_running_loop()
        self._held: deque[tuple[float, memoryview]] = deque()
        #: When it came, and what; an empty piece is the source's end.
        self._held_bytes = 0
        self._since_switch_bytes = 0
        self._next_at = 0.0
        #: When `Throttle` allows the next delivery.
        self._has_hole = False
        self._news = asyncio.Event()
        self._room = asyncio.Event()

    def switched(self) -> None:
        """Reconsider everything: another mode was set."""
        self._since_switch_bytes = 0
        self._next_at = 0.0
        self._news.set()

    async def read(self) -> None:
        """Take what the source sends until its end, and no more than may be held."""
        try:
            while data := await self._loop.sock_recv(self._source, CHUNK_BYTES):
                self._hold(data)
                await self._until_room()
        except OSError:
            if not self._is_dark(self._way):
                raise
            self._has_hole = True
            self._news.set()
        else:
            self._hold(b"")

    async def deliver(self) -> None:
        """Hand over what is held, until the source's end was handed over too."""
        while not self._has_hole:
            self._news.clear()
            if self._mode() == HalfOpen():
                raise ServerGone
            if self._held and self._is_dark(self._way):
                self._has_hole = True
            elif self._held and (wait_s := self._wait_s()) > 0:
                await self._until_news(wait_s)
            elif self._held and not self._held[0][1]:
                self._sink.shutdown(socket.SHUT_WR)
                return
            elif self._held:
                await self._send(self._allowed())
            else:
                await self._until_news(math.inf)
        await self._swallow()

    def _wait_s(self) -> float:
        """Return how long the oldest piece must wait still."""
        match self._mode():
            case Latency(delay_s):
                return self._held[0][0] + delay_s - self._loop.time()
            case Throttle(_, ways) if self._way in ways:
                return self._next_at - self._loop.time()
        return 0.0

    def _allowed(self) -> memoryview:
        """Return what of the oldest piece may go now."""
        piece = self._held[0][1]
        match self._mode():
            case Throttle(bytes_per_s, ways) if self._way in ways:
                return piece[: max(1, int(bytes_per_s / SLICES_PER_S))]
            case CutAfter(size_bytes, way) if self._way in way:
                # With 0 bytes nothing is sent, and the cut follows that.
                return piece[: size_bytes - self._since_switch_bytes]
        return piece

    async def _send(self, piece: memoryview) -> None:
        try:
            size = self._sink.send(piece)
        except BlockingIOError:
            await self._until_writable()
            return
        except OSError:
            # The sink is dead, and the news of it would travel the other way.
            if not self._is_dark(~self._way):
                raise
            self._has_hole = True
            return
        self._carried(self._way, size)
        self._release(size)
        self._since_switch_bytes += size
        match self._mode():
            case Throttle(bytes_per_s, _):
                self._next_at = max(self._next_at, self._loop.time()) + size / bytes_per_s
            case CutAfter(size_bytes, way) if self._way in way:
                if self._since_switch_bytes >= size_bytes:
                    raise Cut

    async def _swallow(self) -> None:
        """Throw away all that comes from now on, for ever."""
        while True:
            self._held.clear()
            self._held_bytes = 0
            self._room.set()
            self._news.clear()
            await self._news.wait()
            if self._mode() == HalfOpen():
                raise ServerGone

    def _is_dark(self, way: Way) -> bool:
        mode = self._mode()
        return isinstance(mode, BlackHole) and way in mode.ways

    def _hold(self, data: bytes) -> None:
        self._held.append((self._loop.time(), memoryview(data)))
        self._held_bytes += len(data)
        self._news.set()

    def _release(self, size: int) -> None:
        came_at, piece = self._held.popleft()
        if size < len(piece):
            self._held.appendleft((came_at, piece[size:]))
        self._held_bytes -= size
        self._room.set()

    async def _until_room(self) -> None:
        while self._held_bytes:
            if isinstance(self._mode(), Latency) and self._held_bytes < DELAYED_BYTES:
                return
            self._room.clear()
            await self._room.wait()

    async def _until_news(self, limit_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(None if limit_s == math.inf else limit_s):
                await self._news.wait()

    async def _until_writable(self) -> None:
        self._loop.add_writer(self._sink, self._news.set)
        try:
            await self._news.wait()
        finally:
            self._loop.remove_writer(self._sink)
