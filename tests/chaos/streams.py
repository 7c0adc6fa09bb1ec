"""Connections through a proxy, and what tests ask of a stream."""

from __future__ import annotations

import socket
from contextlib import ExitStack, suppress

from .proxy import FaultProxy

LIMIT_S = 5.0

SILENCE_S = 0.1
"""How long nothing must come before it counts as silence; a loopback needs well below 1 ms."""


class Clients:
    """Connects through the proxy."""

    def __init__(self, proxy: FaultProxy, opened: ExitStack) -> None:
        self._proxy = proxy
        self._opened = opened

    def connect(self) -> socket.socket:
        """Return a new connection."""
        return self._opened.enter_context(socket.create_connection(self._proxy.address, LIMIT_S))

    def is_reset(self) -> bool:
        """Return whether a new connection is made and ends by RST, before it carries a byte."""
        try:
            return is_reset(self.connect())
        except ConnectionResetError:  # it came before connect() returned
            return True

    def connect_through(self) -> socket.socket:
        """Return a connection over which one echo has come back already."""
        client = self.connect()
        assert echoed(client, b"hello") == b"hello"
        return client


class Pair:
    """A server that never answers by itself, and both ends of one connection to it."""

    def __init__(self, proxy: FaultProxy, listener: socket.socket, opened: ExitStack) -> None:
        self.proxy = proxy
        self.client = opened.enter_context(socket.create_connection(proxy.address, LIMIT_S))
        self.server = opened.enter_context(listener.accept()[0])
        self.server.settimeout(LIMIT_S)


def read(client: socket.socket, size: int) -> bytes:
    """Return `size` bytes, fewer if the stream ends before."""
    data = b""
    while len(data) < size and (more := client.recv(size - len(data))):
        data += more
    return data


def echoed(client: socket.socket, data: bytes) -> bytes:
    """Send, and return as many bytes as come back."""
    client.sendall(data)
    return read(client, len(data))


def is_silent(client: socket.socket) -> bool:
    """Return whether neither a byte nor an end comes for a while."""
    client.settimeout(SILENCE_S)
    try:
        client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(LIMIT_S)
    return False


def until_reset(client: socket.socket) -> tuple[bytes, bool]:
    """Return all that comes, and whether the connection ends by RST and not by FIN."""
    data = b""
    try:
        while more := client.recv(65_536):
            data += more
    except ConnectionResetError:
        return data, True
    return data, False


def is_reset(client: socket.socket) -> bool:
    """Return whether the connection ends by RST, after whatever comes before."""
    return until_reset(client)[1]


def stuffed(sender: socket.socket) -> int:
    """Send until nobody takes anything for a while; return how many bytes were taken."""
    taken = 0
    piece = bytes(65_536)
    sender.settimeout(SILENCE_S)
    with suppress(TimeoutError):
        while taken < 50_000_000:
            taken += sender.send(piece)
    sender.settimeout(LIMIT_S)
    return taken


def swallow_errors(one: socket.socket, data: bytes) -> None:
    """Send, whatever becomes of it."""
    with suppress(OSError):
        one.sendall(data)
