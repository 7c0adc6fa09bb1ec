"""The plain panel: one line of text in the cell, for executed notebooks and for who prefers it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .flush import FLUSHER
from .look import look
from .shown import Shown

GAP_S = 1.0
"""Between two updates at least; the last one does not wait."""


class Line:
    """Draws what is shown as a line of text."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._picture = look(shown)
        self._drawn_at = time.monotonic()
        self._handle: Any = None
        #: IPython's handle of the output that holds this line.
        self._unwatch: Callable[[], None] = lambda: None

    def begin(self, new_handle: Callable[[], Any]) -> None:
        """Show it in the running cell, and keep it up to date."""
        self._handle = new_handle()
        self._handle.display(self._bundle(), raw=True)
        self._unwatch = self._shown.watch(lambda: FLUSHER.mark(self))
        FLUSHER.add(self)

    def _bundle(self) -> dict[str, str]:
        return {"text/plain": self._picture.dated_line}

    def draw(self) -> float | None:
        """Update the line, at most once in `GAP_S`; see `flush.Drawn`."""
        self._picture = look(self._shown, self._picture)
        wait_s = self._drawn_at + GAP_S - time.monotonic()
        if wait_s > 0 and not self._picture.is_final:
            return wait_s
        self._drawn_at = time.monotonic()
        self._handle.update(self._bundle(), raw=True)
        if not self._picture.is_final:
            return max(GAP_S, self._picture.tick_s)
        self._unwatch()
        return None

    def show_trouble(self, error: Exception) -> None:
        """Show that drawing failed."""
        self._handle.update({"text/plain": f"this line is not up to date: {error!r}"}, raw=True)
