"""A Socket.IO client whose messages stay in their order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import engineio
import socketio


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
    """See the module; to `host` it goes straight, as requests do."""

    def __init__(self, host: str | None, **options: Any) -> None:
        # Else `http_proxy`, meant for the world outside, would take it away even from 127.0.0.1:
        # websocket-client reads it, and looks at exceptions only where it is told of a proxy.
        straight = {"http_proxy_host": "unused.invalid", "http_no_proxy": [host]}
        super().__init__(websocket_extra_options=straight, **options)

    def _engineio_client_class(self) -> type[engineio.Client]:
        return InOrder
