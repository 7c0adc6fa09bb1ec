"""Panels of jobs for the page, drawn by the renderer of notebooks."""

from __future__ import annotations

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import asdict
from html import escape
from typing import TYPE_CHECKING

from taskkit.ledger import JobRef
from taskkit.protocol.jobs import Figure, JobRecord

from ..clock import now_ms

if TYPE_CHECKING:
    from taskkit.panels.pace import Pace

MOST_PACES = 256
"""Of so many jobs, those that were looked at last, it is remembered how fast they went."""


class Panels:
    """Draws jobs. Remembers what was seen of their pace, so that estimates do not jump.

    The renderer is imported when somebody looks: it takes 1 MB.
    """

    def __init__(self, clock: Callable[[], int] = now_ms) -> None:
        self._clock = clock
        self._paces: OrderedDict[JobRef, Pace] = OrderedDict()
        self._lock = threading.Lock()

    def html(self, ref: JobRef, record: JobRecord) -> str:
        """Return the panel of this moment, without the style sheet, within one element.

        That says what a program wants to know: the state, the last event that it shows, in how many
        ms the panel looks different though nothing happens, where it does, and what the job
        displays, if anything. This is fetched again and again: blobs are only named in it.
        """
        from taskkit.panels.render import picture

        with self._lock:
            before = self._paces.get(ref)
        drawn = picture(record.title, [record], now_ms=self._clock(), pace=before)
        self._remember(ref, None if drawn.is_final else drawn.pace)
        ticks = "" if drawn.tick_s == math.inf else f' data-tick-ms="{drawn.tick_s * 1000:.0f}"'
        said = f'data-state="{record.state}" data-seq="{record.seq}"{ticks}'
        said += _told(drawn.figures)
        return f'<div class="job" {said}>{drawn.html}</div>\n'

    def _remember(self, ref: JobRef, pace: Pace | None) -> None:
        with self._lock:
            self._paces.pop(ref, None)
            if pace is not None:
                self._paces[ref] = pace
                if len(self._paces) > MOST_PACES:
                    self._paces.popitem(last=False)


def _told(figures: Sequence[Figure]) -> str:
    if not figures:
        return ""
    told = json.dumps([asdict(figure) for figure in figures], separators=(",", ":"))
    return f' data-figures="{escape(told)}"'


def style_sheet() -> str:
    """Return what panels need to look as they do in notebooks."""
    from taskkit.panels.style import CSS

    return CSS
