"""What a running attempt says of itself, until it is sent: of most of it, the latest."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Mapping

from taskkit.blobs import Blobs
from taskkit.protocol.events import (
    CurvesReported,
    Event,
    FiguresDisplayed,
    ProgressReported,
    UsageReported,
)
from taskkit.protocol.jobs import Bar
from taskkit.travel.values import readable

from .curves import Curves
from .figures import Figures
from .usage import UsageMeter

SHARE = 0.02
"""Of the attempt's duration, between two of what is sent whole each time, within the next two."""

CURVES_S, FIGURES_S, USAGE_S = (0.5, 10.0), (1.0, 10.0), (2.0, 30.0)
"""How long at least and at most."""

MOST_BARS = 6
"""So many loops within a job are shown, those that are over making room."""

MOST_FACTS, FACTS_AT_ONCE = 64, 4
"""So many wait, the oldest making room, and so many are sent ten times a second."""

Report = tuple[float, float | None, str]
"""Units done, units in all, and what is being done."""


class Said:
    """One an attempt. The listener of `taskkit.inside.place`; see there."""

    def __init__(self, meter: UsageMeter, blobs: Blobs | None = None) -> None:
        self._began = self._curves_at = time.monotonic()
        self._figures_at = -math.inf
        self._figures = Figures(blobs)
        self._usage_at = self._began - USAGE_S[0] / 2
        #: The first measurement comes earlier.
        self._meter = meter
        meter.begin()
        self.latest: Report | None = None
        self._sent: Report | None = None
        self._bars: dict[int, tuple[Bar, bool]] = {}
        #: By the order in which they were begun, and whether they are over.
        self._are_bars_new = False
        self._is_over = False
        #: Whether the last was taken.
        self._curves = Curves()
        self._facts: deque[Event] = deque(maxlen=MOST_FACTS)

    @property
    def is_unsent(self) -> bool:
        """Whether the latest progress was not sent."""
        return self.latest is not self._sent

    def progress(self, done: float, total: float | None, message: str, /) -> None:
        """Take how far the job is."""
        self.latest = (done, total, message)

    def report(self, values: Mapping[str, float], step: float | None, /) -> None:
        """Take a point of the curve of each name."""
        self._curves.add(values, step)

    def display(self, name: str | None, media_type: str, data: bytes, text: str, /) -> None:
        """Take a figure."""
        self._figures.add(name, media_type, data, text)

    def bar(
        self, number: int, name: str, done: float, total: float | None, /, *, is_over: bool
    ) -> None:
        """Take how far a loop is, by its number in the order in which they begin."""
        if number not in self._bars and len(self._bars) >= MOST_BARS:
            # A copy, since threads of the job may have bars of their own.
            over = [old for old, (_, was_over) in list(self._bars.items()) if was_over]
            if not over:
                return
            self._bars.pop(over[0], None)
        bar = Bar(name=_text(name), done=_plain(done) or 0.0, total=_known(total))
        self._bars[number] = (bar, is_over)
        self._are_bars_new = True

    def drop_bar(self, number: int, /) -> None:
        """Forget a loop that is over, whose bar is not to be left."""
        self._bars.pop(number, None)
        self._are_bars_new = True

    def say(self, event: Event, /) -> None:
        """Take a fact."""
        self._facts.append(event)

    def take(self, *, is_last: bool) -> list[Event]:
        """Return what is to be sent by now; at the end all that is left, call by call.

        Raises:
            Unavailable: A figure cannot be kept at the moment. Nothing is lost, call it again.
        """
        now = time.monotonic()
        events: list[Event] = []
        if self._figures.is_new and (is_last or now >= self._due(self._figures_at, FIGURES_S, now)):
            self._figures_at = now
            # First, for it may raise.
            events.append(FiguresDisplayed(figures=self._figures.snapshot()))
        events += self._progress()
        events += [self._facts.popleft() for _ in range(min(FACTS_AT_ONCE, len(self._facts)))]
        if self._curves.is_new and (is_last or now >= self._due(self._curves_at, CURVES_S, now)):
            self._curves_at = now
            events.append(CurvesReported(curves=self._curves.snapshot()))
        # What a short job takes, nobody can act on; at the end it is measured once.
        is_measured = self._usage_at > self._began and not self._is_over
        if now >= self._due(self._usage_at, USAGE_S, now) or (is_last and is_measured):
            self._usage_at = now
            events.append(UsageReported(usage=self._meter.measure()))
        self._is_over |= is_last
        return events

    def _due(self, before: float, limits_s: tuple[float, float], now: float) -> float:
        least_s, most_s = limits_s
        return before + min(most_s, max(least_s, SHARE * (now - self._began)))

    def _progress(self) -> list[ProgressReported]:
        """Return what is new of it, or nothing; also for one that says nothing: no number."""
        latest = self.latest
        if latest is self._sent and not self._are_bars_new:
            return []
        self._sent, self._are_bars_new = latest, False
        bars = [bar for _, (bar, _) in sorted(self._bars.items())]
        if latest is None:
            if not bars:
                return []
            first, *bars = bars  # the outermost loop is the job's
            latest = (first.done, first.total, first.name)
        done, total, message = latest
        finished = _plain(done)
        if finished is None:
            return []
        return [
            ProgressReported(
                done=finished, total=_known(total), message=_text(message), bars=tuple(bars)
            )
        ]


def _text(message: object) -> str:
    try:
        return readable(str(message)[:500])
    except Exception:  # noqa: BLE001  # the edge around user code
        return ""


def _known(total: object) -> float | None:
    return None if total is None else _plain(total)


def _plain(number: object) -> float | None:
    # The task may have passed NumPy scalars; JSON takes plain numbers, and no infinite ones.
    try:
        value = float(number)  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001  # the edge around user code
        return None
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else value
