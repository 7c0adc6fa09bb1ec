"""`Meddler`: a real TCP proxy that changes what passes, or does not let it pass."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

PIECE_BYTES = 65_536
REFUSAL = b"HTTP/1.1 403 Forbidden\r\nServer: old-proxy\r\nContent-Length: 0\r\n\r\n"

Change = Callable[[bytes], bytes]


def same(piece: bytes) -> bytes:
    """Change nothing."""
    return piece


def asks_for_websocket(piece: bytes) -> bool:
    """Return whether a request wants to become a WebSocket."""
    return re.search(rb"^upgrade: *websocket", piece, re.IGNORECASE | re.MULTILINE) is not None


class Meddler:
    """Stands before a port of this machine while its ``with`` block lasts.

    answers: what the server sends, changed. refuses: which requests are answered 403 instead.
    address: where it listens.
    """

    def __init__(
        self,
        port: int,
        *,
        answers: Change = same,
        refuses: Callable[[bytes], bool] | None = None,
        address: str = "127.0.0.1",
    ) -> None:
        self._server_port = port
        self._answers = answers
        self._refuses = refuses or (lambda _piece: False)
        self._listening = socket.create_server((address, 0))
        self.url = f"http://{address}:{self._listening.getsockname()[1]}"
        self.refused = 0

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="meddler", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Closing it alone does not end an `accept` that waits.
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                for pump in (self._to_server, self._to_client):
                    threading.Thread(target=pump, args=(client, server), daemon=True).start()

    def _to_server(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError), server:
            while piece := client.recv(PIECE_BYTES):
                if self._refuses(piece):
                    self.refused += 1
                    client.sendall(REFUSAL)
                    client.shutdown(socket.SHUT_RDWR)
                    return
                server.sendall(piece)

    def _to_client(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError), client:
            while piece := server.recv(PIECE_BYTES):
                client.sendall(self._answers(piece))
