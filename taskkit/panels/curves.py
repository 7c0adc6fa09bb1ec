"""What a job reported by name, as small curves in SVG: beside each, in words, what it says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from ..protocol.jobs import Curve
from . import markup
from .figures import count

WIDTH, HEIGHT = 200, 56
"""Of a curve, in units of its own; it is stretched to the room that it has."""

MARGIN = 3

MOST_DRAWN = 110
"""Points of a curve, about one in two pixels, and as few bytes as that."""

Point = tuple[float, float]


def curves_html(curves: Sequence[Curve]) -> str:
    """Return the curves beside one another, or nothing."""
    drawn = "".join(_figure(curve) for curve in curves if curve.y)
    return f'<div class="tk-curves">{drawn}</div>' if drawn else ""


def curve_texts(curves: Sequence[Curve]) -> list[str]:
    """Return the last value of each curve, e.g. ``loss 0.312``."""
    return [
        f"{markup.one_line(curve.name, 40)} {_value(curve.y[-1])}" for curve in curves if curve.y
    ]


def _figure(curve: Curve) -> str:
    name, last = escape(markup.one_line(curve.name, 40)), _value(curve.y[-1])
    known = [y for y in curve.y if y is not None]
    if not known:
        return f'<div class="tk-curve"><div><b>{name}</b> {last}</div></div>'
    low, high = _value(min(known)), _value(max(known))
    span = low if low == high else f"{low} to {high}"
    first, end = _value(curve.x[0]), _value(curve.x[-1])
    said = f"{name}: {last} at step {end}, {span} since step {first}"
    # What the picture shows is in its label and in the words around it; GitHub drops the picture.
    return (
        f'<div class="tk-curve"><div><b>{name}</b> {last}</div>'
        f'<svg role="img" aria-label="{said}" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' preserveAspectRatio="none" width="100%" height="{HEIGHT}">{_path(curve)}</svg>'
        f'<div class="tk-quiet">{span} <span>step {end}</span></div></div>'
    )


def _path(curve: Curve) -> str:
    lines = ["M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in run) for run in _runs(_drawn(curve))]
    # A point alone is a line of no length, which the round cap shows.
    lines = [line if "L" in line else f"{line}h0" for line in lines]
    return (
        f'<path d="{"".join(lines)}" fill="none" stroke="#2f7fe0" stroke-width="1.6"'
        ' stroke-linejoin="round" stroke-linecap="round" vector-effect="non-scaling-stroke"/>'
    )


def _drawn(curve: Curve) -> list[tuple[float, float | None]]:
    """Return the points in units of the picture, evenly thinned out, the last among them."""
    points = list(zip(curve.x, curve.y, strict=True))
    share = -(-len(points) // MOST_DRAWN)
    if share > 1:
        points = points[:-1:share] + points[-1:]
    left, right = min(curve.x), max(curve.x)
    known = [y for y in curve.y if y is not None]
    low, high = min(known), max(known)
    return [
        (
            MARGIN + _share(x, left, right) * (WIDTH - 2 * MARGIN),
            None if y is None else HEIGHT - MARGIN - _share(y, low, high) * (HEIGHT - 2 * MARGIN),
        )
        for x, y in points
    ]


def _share(value: float, low: float, high: float) -> float:
    """Return where a value is within its range; in the middle where that is a point."""
    span = high - low
    if not math.isfinite(span):  # the largest numbers there are
        return value / high / 2 + 0.5 if high else 0.5
    return (value - low) / span if span else 0.5


def _runs(points: Sequence[tuple[float, float | None]]) -> Iterator[list[Point]]:
    """Yield the stretches between values that are not finite."""
    run: list[Point] = []
    for x, y in points:
        if y is not None:
            run.append((x, y))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _value(number: float | None) -> str:
    if number is None:
        return "not finite"
    if number and not 1e-3 <= abs(number) < 1e6:
        return f"{number:.3g}"
    return count(number) if float(number).is_integer() else f"{number:.4g}"
