"""What a job reports by name, as curves of bounded size."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Mapping

from taskkit.protocol.jobs import Curve

MOST_POINTS = 200
"""Of a curve; it has from half as many on, and no more than a panel can show."""

MOST_CURVES = 12
"""Of an attempt: a hundred names, one of each parameter, would be no picture."""


class Curves:
    """Those of one attempt. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._curves: dict[str, _Thinned] = {}
        self._is_told = False
        #: Whether the job was told that there are too many.
        self.is_new = False
        #: Whether something was added since `snapshot`.

    def add(self, values: Mapping[str, float], step: float | None) -> None:
        """Add a point to the curve of each name."""
        left_out = ""
        with self._lock:
            for name, value in values.items():
                curve = self._curves.get(name)
                if curve is None:
                    if len(self._curves) == MOST_CURVES:
                        left_out = left_out or name
                        continue
                    curve = self._curves[name] = _Thinned()
                curve.add(step, value)
            self.is_new = True
            is_to_be_told = bool(left_out) and not self._is_told
            self._is_told |= is_to_be_told
        if is_to_be_told:
            note = f"taskkit: {MOST_CURVES} curves are shown at most, without {left_out!r}"
            print(note, file=sys.stderr)  # noqa: T201 — into the job's own output

    def snapshot(self) -> tuple[Curve, ...]:
        """Return all curves as they are."""
        with self._lock:
            self.is_new = False
            return tuple(curve.named(name) for name, curve in self._curves.items())


class _Thinned:
    """Every nth point that was added, n doubled whenever there are too many, and the last one."""

    def __init__(self) -> None:
        self._x: list[float] = []
        self._y: list[float] = []
        self._added = 0
        self._stride = 1
        self._last: tuple[float, float] | None = None
        #: The point that was added last, where it is not among the others.

    def add(self, step: float | None, value: float) -> None:
        x = step if step is not None and math.isfinite(step) else float(self._added + 1)
        if self._added % self._stride:
            self._last = (x, value)
        else:
            self._last = None
            self._x.append(x)
            self._y.append(value)
            if len(self._x) > MOST_POINTS - 1:
                del self._x[1::2], self._y[1::2]
                self._last = (x, value) if self._x[-1] != x else None
                self._stride *= 2
        self._added += 1

    def named(self, name: str) -> Curve:
        last = () if self._last is None else (self._last,)
        return Curve(
            name=name,
            x=tuple(_rounded(x, 9) for x in (*self._x, *(x for x, _ in last))),
            y=tuple(_finite(y) for y in (*self._y, *(y for _, y in last))),
        )


def _finite(value: float) -> float | None:
    return _rounded(value, 6) if math.isfinite(value) else None


def _rounded(value: float, digits: int) -> float:
    # So that a point is short in JSON; no panel shows more.
    number = float(f"{value:.{digits}g}")
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
