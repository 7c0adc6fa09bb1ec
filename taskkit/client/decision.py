"""The moment at which the server has accepted or refused a job."""

from __future__ import annotations

import threading

_making = threading.Lock()
"""Held to make an event, of whichever job: that is rare, and short."""


class Decision:
    """A `threading.Event` that is made when somebody waits.

    Its condition takes 900 bytes, a notebook may hold a hundred thousand jobs, and hardly any of
    them is waited for before the server has it.
    """

    __slots__ = ("_event", "_is_made")

    def __init__(self) -> None:
        self._is_made = False
        self._event: threading.Event | None = None

    def is_set(self) -> bool:
        """Return whether it was made."""
        return self._is_made

    def set(self) -> None:
        """Wake who waits, now and later."""
        self._is_made = True
        if self._event is not None:
            self._event.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is made, `timeout` seconds at most; return whether it is."""
        if self._is_made:
            return True
        with _making:
            event = self._event = self._event or threading.Event()
        # Looked at once more after the event was put there, for `set` looks in the other order.
        return self._is_made or event.wait(timeout)
