"""Many idle sockets in one thread, which answers their pings.

Source: Engine.IO protocol 4 and Socket.IO protocol 5: ``40`` connects, ``2`` asks, ``3`` answers.
"""

from __future__ import annotations

import json
import selectors
import threading
from types import TracebackType
from typing import Self

import websocket

CONNECT, CONNECTED, PING, PONG = "40", "40", "2", "3"
ANSWER_S = 10.0


class Refused(Exception):
    """The server does not take one more."""


class Crowd:
    """Sockets that read the log of workers, where nothing happens, as those of other users would.

    They do not read the owner's own log: then each would hear of every job that is measured.
    """

    def __init__(self, url: str, token: str) -> None:
        self._url = url.replace("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket"
        place = {"epoch": "", "after": 0}
        self._hello = CONNECT + json.dumps({"token": token, "logs": {"workers": place}})
        self._sockets: list[websocket.WebSocket] = []
        self._selector = selectors.DefaultSelector()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._answer, name="bench-crowd", daemon=True)

    def __len__(self) -> int:
        return len(self._sockets)

    def grow(self, size: int) -> None:
        """Connect until there are `size`.

        Raises:
            Refused: The server says no.
        """
        while len(self._sockets) < size:
            try:
                self._add()
            except (OSError, websocket.WebSocketException) as error:
                raise Refused(f"{type(error).__name__}: {error}") from error

    def _add(self) -> None:
        socket = websocket.create_connection(self._url, timeout=ANSWER_S)
        socket.recv()  # Engine.IO's own handshake
        socket.send(self._hello)
        answer = str(socket.recv())
        if not answer.startswith(CONNECTED):
            socket.close()
            raise Refused(answer[2:200])
        self._sockets.append(socket)
        self._selector.register(socket.sock, selectors.EVENT_READ, socket)

    def _answer(self) -> None:
        while not self._is_over.is_set():
            for key, _ in self._selector.select(0.2):
                try:
                    if key.data.recv() == PING:
                        key.data.send(PONG)
                except (OSError, websocket.WebSocketException):
                    self._selector.unregister(key.fileobj)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()
        for socket in self._sockets:
            socket.close()
        self._selector.close()
