"""What a stack keeps across restarts, so that open notebooks find it as they left it."""

from __future__ import annotations

import secrets
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..private import read_private, write_private
from ..protocol.errors import Unavailable

_PORTS = range(20_000, 32_000)
# Below the ports that Linux gives to outgoing connections (from 32768): none of those can take a
# part's port in the moment in which the part is restarted.


@dataclass(frozen=True, slots=True)
class Identity:
    """The secrets and the port of one data folder."""

    token: str = field(repr=False)
    #: The owner's token.
    redis_password: str = field(repr=False)
    redis_port: int

    @property
    def redis_url(self) -> str:
        """The address of the embedded Redis, with its password."""
        return f"redis://:{self.redis_password}@127.0.0.1:{self.redis_port}/0"

    @classmethod
    def of(cls, data: Path) -> Identity:
        """Return the identity of a data folder, made at its first use."""
        path = data / "identity.json"
        known = read_private(path)
        try:
            identity = cls(**known) if known else None
        except TypeError as error:
            raise Unavailable(f"{path} is of another version of taskkit: move it away.") from error
        if identity and is_free(identity.redis_port):
            return identity
        identity = cls(
            token=identity.token if identity else secrets.token_urlsafe(32),
            redis_password=identity.redis_password if identity else secrets.token_urlsafe(32),
            redis_port=free_port(),
        )
        write_private(path, asdict(identity))
        return identity


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether a server could listen on `port`."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens."""
    for _ in range(100):
        port = secrets.choice(_PORTS)
        if is_free(port):
            return port
    raise Unavailable("No free port was found on 127.0.0.1.")
