"""The remote control of a running supervisord, over its unix socket."""

from __future__ import annotations

import http.client
import socket
import time
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ..protocol.errors import Unavailable


@dataclass(frozen=True, slots=True)
class PartStatus:
    """A part as it is now."""

    name: str
    state: str
    #: ``running``, ``starting``, ``restarting``, ``stopping`` or ``stopped``.
    pid: int
    #: 0 where it has no process.
    uptime_s: float
    restarts: int


class Supervisor:
    """A running supervisord. Use it from one thread."""

    def __init__(self, control: Path) -> None:
        self._rpc: Any = xmlrpc.client.ServerProxy("http://supervisor", transport=_Unix(control))

    def start(self, name: str) -> None:
        """Start a part; do not wait."""
        self._call("supervisor", "startProcess", name, False)

    def note_ready(self, name: str) -> None:
        """Tell that a part works, which is else known when it has lived for three seconds."""
        self._call("taskkit", "ready", name)

    def shutdown(self) -> None:
        """Ask for the end of all parts and of supervisord."""
        self._call("supervisor", "shutdown")

    def pid(self) -> int:
        """Return supervisord's own process id."""
        return int(self._call("supervisor", "getPID"))

    def parts(self) -> list[PartStatus]:
        """Return the state of all parts, in the order in which they start."""
        restarts = self._call("taskkit", "restarts")
        infos = self._call("supervisor", "getAllProcessInfo")
        now = time.time()
        return [
            PartStatus(
                name=info["name"],
                state=_STATES.get(info["statename"], "stopped"),
                pid=info["pid"],
                uptime_s=max(0.0, now - info["start"]) if info["pid"] else 0.0,
                restarts=restarts.get(info["name"], 0),
            )
            for info in infos
        ]

    def close(self) -> None:
        """Close the connection; the next call opens another."""
        self._rpc("close")()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, interface: str, method: str, *args: object) -> Any:
        try:
            return getattr(getattr(self._rpc, interface), method)(*args)
        except (OSError, http.client.HTTPException, xmlrpc.client.Error) as error:
            self.close()
            raise Unavailable(f"The stack's supervisor does not answer ({error}).") from error


_STATES = {
    "RUNNING": "running",
    "STARTING": "starting",
    "BACKOFF": "restarting",
    "EXITED": "restarting",
    "STOPPING": "stopping",
}


class _Unix(xmlrpc.client.Transport):
    """XML-RPC over a unix socket; unlike supervisor's own transport it does not wait for ever."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._connection: Any = (None, None)  # the base class keeps and closes it under this name

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        """Return the connection to the socket, whatever `host` says."""
        if self._connection[1] is None:
            self._connection = host, _UnixConnection(self._path)
        connection: http.client.HTTPConnection = self._connection[1]
        return connection


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("supervisor", timeout=5)
        self._path = path

    def connect(self) -> None:
        """Open the socket."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(self.timeout)
        try:
            sock.connect(str(self._path))
        except OSError:
            sock.close()
            raise
        self.sock = sock
