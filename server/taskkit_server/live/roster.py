"""Who is connected, for many threads at once.

The manager of python-socketio 5.18 changes its dictionaries without a lock. Where many sockets end
at once, a thread deletes what another is about to use: that one's disconnection is never heard of,
and its feed and its seat are held for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from socketio import Manager


class Roster(Manager):  # type: ignore[misc]
    """That manager, changed by one thread at a time.

    let_in: called with a socket's id when it has been told that it is connected. Whatever it is
    sent comes after that, as the protocol has it.
    """

    def __init__(self, let_in: Callable[[str], None] = lambda _sid: None) -> None:
        super().__init__()
        self._let_in = let_in
        self._changing = threading.RLock()

    def pre_connect(self, eio_sid: str, namespace: str) -> str | None:
        """Note that somebody comes; return the socket's id."""
        with self._changing:
            sid: str | None = super().pre_connect(eio_sid, namespace)
            return sid

    def connect(self, sid: str, namespace: str) -> str:
        """Note that somebody was let in."""
        with self._changing:
            known: str = super().connect(sid, namespace)
        self._let_in(known)
        return known

    def is_pre_connected(self, sid: str, namespace: str) -> bool:
        """Return whether somebody comes just now."""
        with self._changing:
            return bool(super().is_pre_connected(sid, namespace))

    def is_connected(self, sid: str, namespace: str) -> bool:
        """Return whether somebody is in."""
        with self._changing:
            return bool(super().is_connected(sid, namespace))

    def pre_disconnect(self, sid: str, namespace: str) -> Any:
        """Note that somebody is about to go."""
        with self._changing:
            return super().pre_disconnect(sid, namespace)

    def basic_disconnect(self, sid: str, namespace: str, **how: Any) -> None:
        """Forget somebody."""
        with self._changing:
            super().basic_disconnect(sid, namespace, **how)

    def basic_enter_room(
        self, sid: str, namespace: str, room: str, eio_sid: str | None = None
    ) -> None:
        """Let somebody into a room."""
        with self._changing:
            super().basic_enter_room(sid, namespace, room, eio_sid=eio_sid)

    def basic_leave_room(self, sid: str, namespace: str, room: str) -> None:
        """Let somebody out of it."""
        with self._changing:
            super().basic_leave_room(sid, namespace, room)
