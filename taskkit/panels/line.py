"""The plain panel: one line of text in the cell, for executed notebooks and for who prefers it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .render import Picture, picture
from .shown import Shown

GAP_S = 1.0
"""Between two updates at least; the last one does not wait."""


class Line:
    """Draws what is shown as a line of text."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._picture = self._look(None)
        self._drawn_at = time.monotonic()
        self.handle: Any = None
        #: IPython's handle of the output that holds this line; set by who displays it.
        self.unwatch: Callable[[], None] | None = None
        #: Called when the line is final.

    def bundle(self) -> dict[str, str]:
        """Return the line as the output of a cell."""
        return {"text/plain": self._picture.dated_line}

    def draw(self) -> float | None:
        """Update the line, at most once in `GAP_S`; see `flush.Drawn`."""
        self._picture = self._look(self._picture)
        wait_s = self._drawn_at + GAP_S - time.monotonic()
        if wait_s > 0 and not self._picture.is_final:
            return wait_s
        self._drawn_at = time.monotonic()
        self.handle.update(self.bundle(), raw=True)
        if not self._picture.is_final:
            return max(GAP_S, self._picture.tick_s)
        if self.unwatch is not None:
            self.unwatch()
        return None

    def show_trouble(self, error: Exception) -> None:
        """Show that drawing failed."""
        self.handle.update({"text/plain": f"this line is not up to date: {error!r}"}, raw=True)

    def _look(self, before: Picture | None) -> Picture:
        return picture(
            self._shown.title,
            self._shown.records(),
            now_ms=time.time_ns() // 1_000_000,
            connection=self._shown.connection(),
            pace=before.pace if before else None,
        )
