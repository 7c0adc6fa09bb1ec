"""What speaks to a real server byte by byte."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from waiting import wait_until

TOKEN = "correct-horse-battery"


@dataclass
class Attacked:
    """A server under gunicorn, as `taskkit server` runs it."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    open: list[socket.socket] = field(default_factory=list)
    #: Connections that are closed when the test is over.

    def connect(self, timeout_s: float = 20.0) -> socket.socket:
        """Open a connection."""
        made = socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s)
        self.open.append(made)
        return made

    def head(self, line: str, *headers: str, host: str | None = None) -> bytes:
        """Return the head of a request."""
        host = host or f"127.0.0.1:{self.port}"
        return "\r\n".join([f"{line} HTTP/1.1", f"Host: {host}", *headers, "", ""]).encode()

    def answer(self, request: bytes, *, most_bytes: int = 65_536) -> bytes:
        """Send a request on a connection of its own; return what comes until it is closed or idle.

        Where the server closes it before all is sent, that is an answer, too.
        """
        with self.connect() as sock:
            try:
                sock.sendall(request)
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            received = b""
            try:
                while len(received) < most_bytes and (piece := sock.recv(65_536)):
                    received += piece
            except OSError:
                pass
            return received

    def live(self, within_s: float = 8.0) -> float:
        """Ask for its health on a new connection; return how long the answer took."""
        began = time.monotonic()
        with self.connect(within_s) as sock:
            sock.sendall(self.head("GET /health/live", "Connection: close"))
            answer = sock.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200"), answer
        return time.monotonic() - began

    def upgrade(self, *headers: str, host: str | None = None) -> tuple[socket.socket, bytes]:
        """Ask for a WebSocket; return the connection, and the head of the answer."""
        sock = self.connect()
        key = base64.b64encode(os.urandom(16)).decode()
        wanted = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13")
        line = "GET /socket.io/?EIO=4&transport=websocket"
        sock.sendall(self.head(line, *wanted, f"Sec-WebSocket-Key: {key}", *headers, host=host))
        received = b""
        while b"\r\n\r\n" not in received and (piece := sock.recv(4096)):
            received += piece
        return sock, received

    def pss_mib(self) -> float:
        """Return the memory of its processes, each shared page counted once."""
        main = psutil.Process(self.process.pid)
        family = [main, *main.children(recursive=True)]
        return sum(one.memory_full_info().pss for one in family) / 2**20

    def settle(self) -> None:
        """Wait until what it had to do for sockets that are gone is done, threads and all."""
        main = psutil.Process(self.process.pid)
        wait_until(lambda: sum(one.num_threads() for one in main.children()) < 16)

    def hang_up(self) -> None:
        """Close what the test has opened."""
        while self.open:
            self.open.pop().close()
