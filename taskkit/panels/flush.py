"""The one thread of a kernel that redraws panels, so that many panels cost no more than one."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from typing import Protocol

GAP_S = 0.1
"""Between two flushes at least."""

PANELS_A_FLUSH = 12
"""A Jupyter server drops a kernel's whole output above about 1,000 messages a second. A redraw is
one message or two, and the last one seven at most, so this many panels, ten times a second, stay
below."""

PANELS_A_CELL = 40
"""How many are drawn at most when a cell ends, for the same reason."""

IDLE_SHARE = 9
"""A flush is followed by this many times the time that it computed of rest: a tenth of a core."""

RETRY_S = 5.0
"""After a redraw that failed."""


class Drawn(Protocol):
    """What can be redrawn."""

    def draw(self) -> float | None:
        """Redraw; return in how many seconds to do so unasked (inf: never), None if final."""

    def show_trouble(self, error: Exception) -> None:
        """Show that `draw` raised."""


class Flusher:
    """Redraws what was marked, soon but not often, and what ticks, when it is due."""

    def __init__(self, *, gap_s: float = GAP_S) -> None:
        self._gap_s = gap_s
        self._due: dict[Drawn, float] = {}
        self._rest_until = 0.0
        self._changed = threading.Condition()
        self._drawing = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, drawn: Drawn) -> None:
        """Redraw `drawn` from now on, until it is final; for the first time at once."""
        with self._changed:
            self._due[drawn] = time.monotonic()
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name="taskkit-panels", daemon=True
                )
                self._thread.start()
            self._changed.notify()

    def mark(self, drawn: Drawn) -> None:
        """Say that `drawn` changed. Any thread; cheap, however often."""
        now = time.monotonic()
        with self._changed:
            if self._due.get(drawn, -math.inf) > now:
                self._due[drawn] = now
                self._changed.notify()

    def catch_up(self, *_: object) -> None:
        """Redraw now what has changed: at a cell's end, for the kernel may be stopped after it."""
        with self._drawing:
            self._draw(self._take(PANELS_A_CELL))

    def is_idle(self) -> bool:
        """Return whether nothing is left to be drawn, now or later."""
        with self._changed:
            return not self._due

    def _run(self) -> None:
        while True:
            with self._changed:
                while (delay_s := self._delay_s()) > 0:
                    self._changed.wait(None if delay_s == math.inf else delay_s)
            began = time.thread_time()
            with self._drawing:
                self._draw(self._take(PANELS_A_FLUSH))
            busy_s = time.thread_time() - began
            self._rest_until = time.monotonic() + max(self._gap_s, IDLE_SHARE * busy_s)

    def _delay_s(self) -> float:
        next_due = min(self._due.values(), default=math.inf)
        return max(next_due, self._rest_until) - time.monotonic()

    def _take(self, most: int) -> list[Drawn]:
        """Return what is due, the longest waiting first; marks from now on make it due again."""
        now = time.monotonic()
        with self._changed:
            due = sorted((at, place) for place, at in enumerate(self._due.values()) if at <= now)
            all_drawn = list(self._due)
            taken = [all_drawn[place] for _, place in due[:most]]
            for drawn in taken:
                self._due[drawn] = math.inf
        return taken

    def _draw(self, taken: list[Drawn]) -> None:
        for drawn in taken:
            try:
                again_s = drawn.draw()
            except Exception as error:  # noqa: BLE001 - a thread's loop: no panel may stop the others
                again_s = RETRY_S
                self._show_trouble(drawn, error)
            with self._changed:
                if again_s is None:
                    self._due.pop(drawn, None)
                elif drawn in self._due:
                    self._due[drawn] = min(self._due[drawn], time.monotonic() + again_s)
                    # Where a cell's end has drawn it, the thread does not know that it ticks.
                    self._changed.notify()

    @staticmethod
    def _show_trouble(drawn: Drawn, error: Exception) -> None:
        # Where this fails too, nowhere is left to say it: a print would land in any cell.
        with contextlib.suppress(Exception):
            drawn.show_trouble(error)


FLUSHER = Flusher()
"""The kernel's own; its thread starts with the first panel."""
