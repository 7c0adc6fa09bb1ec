"""Readers that open a socket and then read nothing: what waits for them, and what they miss."""

from __future__ import annotations

import json
import socket
import ssl
import time
from pathlib import Path

import websocket

from taskkit.protocol.cursor import Cursor
from taskkit.protocol.wire import event_from_wire

PING, PONG = "2", "3"
WINDOW_BYTES = 16_384
"""Of its own receive buffer, so that what is sent piles up on the other side."""


class SlowReader:
    """Reads only when it is told to. Source: Engine.IO protocol 4, Socket.IO protocol 5."""

    def __init__(self, url: str, token: str, certificate: Path) -> None:
        self._url = url.replace("https", "wss", 1) + "/socket.io/?EIO=4&transport=websocket"
        self._token = token
        self._trusted = ssl.create_default_context(cafile=str(certificate))
        self.cursor = Cursor()
        self.holes = 0
        self.cuts = 0
        self._socket = self._open()

    def _open(self, limit_s: float = 30.0) -> websocket.WebSocket:
        """Open one, and ask again where the process that nginx chose has no seat left."""
        deadline = time.monotonic() + limit_s
        while True:
            made, answer = self._asked()
            if answer.startswith("40"):
                return made
            made.close()
            is_full = answer.startswith("44") and "as many sockets" in answer
            assert is_full, answer
            assert time.monotonic() < deadline, answer

    def _asked(self) -> tuple[websocket.WebSocket, str]:
        made = websocket.create_connection(
            self._url,
            timeout=20,
            sslopt={"context": self._trusted},
            sockopt=[(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW_BYTES)],
        )
        made.recv()
        at = self.cursor
        place = {"epoch": at.epoch, "after": at.seq, "at": at.at}
        made.send("40" + json.dumps({"token": self._token, "logs": {"jobs": place}}))
        return made, str(made.recv())

    def read_until(self, seq: int, limit_s: float = 120.0) -> None:
        """Read up to an event; where it was cut off meanwhile, from its cursor on."""
        deadline = time.monotonic() + limit_s
        while self.cursor.seq < seq:
            assert time.monotonic() < deadline, f"at {self.cursor} of {seq}"
            try:
                self._take(str(self._socket.recv()))
            except (OSError, websocket.WebSocketException):
                self.cuts += 1
                self._socket.close()
                self._socket = self._open()

    def close(self) -> None:
        """Go."""
        self._socket.close()

    def _take(self, message: str) -> None:
        if message == PING:
            self._socket.send(PONG)
        if not message.startswith("42"):
            return
        name, packet = json.loads(message[2:])
        if name == "gap":
            self.holes += 1
            self.cursor = Cursor(packet["epoch"], packet["seq"])
        if name != "batch":
            return
        if not self.cursor.epoch:
            self.cursor = Cursor(packet["epoch"])
        received = self.cursor.receive(
            packet["epoch"], [event_from_wire(one) for one in packet["events"]]
        )
        self.holes += received.is_gap
        self.cursor = received.cursor
