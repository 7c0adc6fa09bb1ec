"""Pings of all sockets from one thread.

Engine.IO starts a thread for each, which sleeps until the ping is due, also when the socket has
ended: who opens and closes sockets without a token would have thousands of them in ten seconds.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any
from weakref import ref

from engineio.exceptions import EngineIOError
from engineio.packet import PING, Packet
from engineio.socket import Socket

logger = logging.getLogger(__name__)


class Pings:
    """Takes the place of those threads. Safe from any thread."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self._start: Callable[..., Any] = engine.start_background_task
        engine.start_background_task = self._begin
        self._waiting: deque[tuple[float, ref[Any]]] = deque()
        #: When a ping is due, the earliest first: all wait for the same time.
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def _begin(self, target: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if getattr(target, "__func__", None) is not Socket._send_ping:  # noqa: SLF001
            return self._start(target, *args, **kwargs)
        socket = target.__self__  # type: ignore[attr-defined]
        with self._lock:
            self._waiting.append((time.monotonic() + self._engine.ping_interval, ref(socket)))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="taskkit-pings", daemon=True)
                self._thread.start()
        return None

    def _run(self) -> None:
        """Send what is due, until no socket waits."""
        pause = threading.Event()
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                due, found = self._waiting[0]
                left_s = due - time.monotonic()
                if left_s <= 0:
                    self._waiting.popleft()
            if left_s > 0:
                pause.wait(left_s)
            elif (socket := found()) is not None:
                self._ping(socket)

    def _ping(self, socket: Any) -> None:
        if socket.closing or socket.closed:
            return
        try:
            socket.last_ping = time.time()
            socket.send(Packet(PING))
        except EngineIOError:  # it was closed between the two
            return
        except Exception:  # the edge of this thread: the others are to be pinged
            logger.exception("a socket could not be pinged")
