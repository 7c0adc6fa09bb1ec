"""A Socket.IO client whose messages stay in their order."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from ..connection import Connection
from .lean import engineio, socketio


class InOrder(engineio.Client):  # type: ignore[misc]
    """Handles messages in the thread that reads them: in their order, and without one more hop.

    Engine.IO 4.15 starts a thread for each message, so that two of them may overtake one another.
    """

    def start_background_task(self, target: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call a handler of messages at once; begin a thread for anything else."""
        if target is self.handlers.get("message"):
            return target(*args, **kwargs)
        return super().start_background_task(target, *args, **kwargs)

    def disconnect(self, abort: bool = False, reason: str | None = None) -> None:
        """Disconnect; told so by the server, in the thread that reads, without waiting for that."""
        is_reader = threading.current_thread() is self.read_loop_task
        super().disconnect(abort=abort or is_reader, reason=reason)


class Socket(socketio.Client):  # type: ignore[misc]
    """To a server of ours, straight as requests go; see the module."""

    def __init__(self, connection: Connection, logger: logging.Logger) -> None:
        self._to = urlsplit(connection.url)
        self._token = connection.token
        super().__init__(
            # Its own would keep the cursor of the first connection.
            reconnection=False,
            handle_sigint=False,
            logger=logger,
            engineio_logger=logger,
            # Else `http_proxy`, meant for the world outside, would take it away even from
            # 127.0.0.1: websocket-client reads it, and looks at exceptions only where it is told
            # of a proxy.
            websocket_extra_options={
                "http_proxy_host": "unused.invalid",
                "http_no_proxy": [self._to.hostname],
                # It would look at each byte in Python; what is read is decoded in any case.
                "skip_utf8_validation": True,
            },
        )

    def open(self, logs: Mapping[str, Any], *, wait_s: float) -> None:
        """Connect, to be told what comes after the cursors in `logs`.

        Raises:
            NotConnected: It cannot be.
        """
        self.connect(
            f"{self._to.scheme}://{self._to.netloc}",
            auth={"token": self._token, "logs": dict(logs)},
            transports=["websocket"],
            socketio_path=f"{self._to.path.rstrip('/')}/socket.io",
            wait_timeout=wait_s,
        )

    def _engineio_client_class(self) -> type[engineio.Client]:
        return InOrder
