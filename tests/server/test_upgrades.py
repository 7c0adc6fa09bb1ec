"""A WebSocket that ends, and whoever waits for its next message."""

from __future__ import annotations

import base64
import os
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask_socketio import SocketIO
from websocket_frames import frame

from taskkit_server.live.upgrades import MESSAGE_BYTES, Upgrades

CLOSE = 8


class Eager(threading.Event):
    """An event whose waiter is always quicker than who sets it."""

    def set(self) -> None:
        super().set()
        time.sleep(0.2)  # the waiter's turn: it clears the event and looks


@pytest.fixture
def websocket_of() -> Any:
    """What the server has Engine.IO open a WebSocket with."""
    socketio = SocketIO(Flask("test"), async_mode="threading")
    Upgrades(lambda environ, start: [], socketio, most=4)
    return socketio.server.eio._async["websocket"]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The server's and the client's end of a connection."""
    ends = socket.socketpair()
    yield ends
    for end in ends:
        end.close()


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(frame(b"x" * (MESSAGE_BYTES + 1)), id="a message that is too long"),
        pytest.param(b"\xff" * 16, id="what is no frame"),
        pytest.param(frame(b"\xff\xfe"), id="text that is none"),
        pytest.param(frame(b"\x03\xe8", CLOSE), id="a close"),
        pytest.param(b"", id="the end of the connection"),
    ],
)
def test_who_waits_hears_of_every_end(websocket_of: Any, pair: Any, sent: bytes) -> None:
    """A thread of the server waits there, one of a bounded number."""
    ours, theirs = pair
    key = base64.b64encode(os.urandom(16)).decode()
    environ = {
        "gunicorn.socket": ours,
        "HTTP_HOST": "test",
        "HTTP_UPGRADE": "websocket",
        "HTTP_CONNECTION": "Upgrade",
        "HTTP_SEC_WEBSOCKET_KEY": key,
        "HTTP_SEC_WEBSOCKET_VERSION": "13",
    }
    heard: list[Any] = []

    def serve(websocket: Any) -> None:
        heard.append(websocket.wait())

    def upgrade() -> None:
        opened = websocket_of(serve, None, event_class=Eager)
        with pytest.raises(StopIteration):  # how gunicorn is told that there is no answer
            opened(environ, None)

    serving = threading.Thread(target=upgrade, daemon=True)
    serving.start()
    assert b"101" in theirs.recv(4096)
    if sent:
        theirs.sendall(sent)
    else:
        theirs.shutdown(socket.SHUT_WR)
    serving.join(30)
    assert heard == [None]
