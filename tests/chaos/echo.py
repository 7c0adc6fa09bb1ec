"""`Echo`: a server to put behind a proxy."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

LIMIT_S = 5.0


class Echo:
    """A server that sends back what it gets; it keeps its connections, for tests to look at."""

    def __init__(self) -> None:
        self.sockets: list[socket.socket] = []
        self.ends: list[str] = []
        #: "FIN" or "RST", for each connection that ended.
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._threads = [threading.Thread(target=self._accept, name="echo", daemon=True)]
        self._threads[0].start()

    def close(self) -> None:
        """Stop, and wait for all threads."""
        # Closing alone does not wake a thread that is in accept().
        for one in [self._listener, *self.sockets]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(LIMIT_S)
        for one in [self._listener, *self.sockets]:
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                one, _ = self._listener.accept()
                self.sockets.append(one)
                thread = threading.Thread(target=self._echo, args=(one,), name="echo", daemon=True)
                self._threads.append(thread)
                thread.start()

    def _echo(self, one: socket.socket) -> None:
        try:
            while data := one.recv(65_536):
                one.sendall(data)
            one.shutdown(socket.SHUT_WR)
            self.ends.append("FIN")
        except OSError:
            self.ends.append("RST")
