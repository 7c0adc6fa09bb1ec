"""Connections that hold a thread for as long as they live, counted whatever they are for."""

from __future__ import annotations

import threading


class Seats:
    """Lets in so many, so that threads are left for requests. Safe from any thread."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Return whether there was room for one more, who must leave some time."""
        with self._lock:
            if self._free <= 0:
                return False
            self._free -= 1
            return True

    def leave(self) -> None:
        """Make room again."""
        with self._lock:
            self._free += 1
