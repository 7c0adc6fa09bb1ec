"""All the output that a live panel keeps, to be opened below it and read while it grows."""

from __future__ import annotations

import math

from .shared import Shared

GAP_S = 0.9
"""Between two updates at least: they are long, and what they change is mostly closed.

Below the second in which a running job's panel is redrawn in any case, so the last lines come.
"""

_FOLD = '<details class="tk-drawer"><summary>More output</summary></details>'
_EMPTY = '<pre class="tk-lines"></pre>'


class Drawer:
    """A summary whose HTML never changes, so that it stays open, and beside it the lines.

    The browser opens it by the style sheet alone, so it opens while the kernel is busy. The lines
    scroll in the widget, not in its HTML, so replacing them leaves the reader where they were.
    """

    def __init__(self, shared: Shared) -> None:
        self._lines = shared.html(_EMPTY, "tk-log")
        fold = shared.html(_FOLD, "tk-fold")
        self.widgets = (fold, self._lines)
        self._shown_at_s = -math.inf

    def show(self, lines: str, now_s: float) -> None:
        """Show these lines, if the last ones were shown long enough ago."""
        value = f'<div class="taskkit">{lines or _EMPTY}</div>'
        if self._lines.value != value and now_s >= self._shown_at_s + GAP_S:
            self._lines.value = value
            self._shown_at_s = now_s
