"""Curves as SVG: within their picture whatever was reported, and told in words beside it."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st
from panel_records import EVIL, START, record

from taskkit.panels import job_html, job_line
from taskkit.panels.curves import HEIGHT, MOST_DRAWN, WIDTH, curve_texts, curves_html
from taskkit.protocol.jobs import Bar, Curve, JobState, Progress, Usage

NUMBER = re.compile(r"-?\d+(?:\.\d+)?")

numbers = st.floats(allow_nan=False, allow_infinity=False)
points = st.lists(st.tuples(numbers, st.none() | numbers), min_size=1, max_size=300)


def curve(*values: float | None, name: str = "loss") -> Curve:
    """Return a curve of values at 1, 2, 3 …"""
    return Curve(name=name, x=tuple(range(1, len(values) + 1)), y=values)


def drawn(html: str) -> list[tuple[float, float]]:
    """Return the points of the only path in a piece of HTML."""
    [path] = re.findall(r'<path d="([^"]*)"', html)
    values = [float(number) for number in NUMBER.findall(path.replace("h0", ""))]
    return list(zip(values[::2], values[1::2], strict=True))


@given(points)
def test_every_curve_is_well_formed_and_within_its_picture(
    some: list[tuple[float, float | None]],
) -> None:
    """Also of the largest numbers there are, of gaps, and of one value."""
    xs, ys = zip(*some, strict=True)
    html = curves_html([Curve(name="loss", x=xs, y=ys)])
    ET.fromstring(html)
    assert "nan" not in html
    assert "inf" not in html
    if any(y is not None for y in ys):
        found = drawn(html)
        assert 1 <= len(found) <= MOST_DRAWN + 1
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in found)


def test_a_curve_has_the_shape_of_its_values() -> None:
    """Larger is higher, later is further right; from edge to edge."""
    (x1, low), (x2, high), (x3, middle) = drawn(curves_html([curve(1, 3, 2)]))
    assert x1 < x2 < x3
    assert x2 - x1 == x3 - x2
    assert low > middle > high
    assert math.isclose(middle, (low + high) / 2)


def test_what_is_not_finite_is_a_gap() -> None:
    """The line is interrupted there, and the last value is said to be none."""
    html = curves_html([curve(1, None, 2, 3)])
    assert html.count("M") == 2
    assert "not finite" not in html
    assert "<b>loss</b> not finite" in curves_html([curve(1, None)])
    assert "<svg" not in curves_html([curve(None, None)])


def test_the_words_say_what_the_picture_shows() -> None:
    """For those who cannot see it, and for viewers that drop it."""
    html = curves_html([curve(2.25, 0.123456, 0.5)])
    assert 'aria-label="loss: 0.5 at step 3, 0.1235 to 2.25 since step 1"' in html
    text = re.sub(r"<[^>]*>", "", html)
    assert text == "loss 0.50.1235 to 2.25 step 3"


def test_names_are_escaped() -> None:
    """They are the user's."""
    assert "<script" not in curves_html([curve(1, 2, name=EVIL)])
    inner = Progress(done=1, bars=(Bar(name=EVIL, done=1, total=2),))
    assert "<script" not in job_html(record(progress=inner), now_ms=START)


def test_values_stand_in_the_line_of_text() -> None:
    """Where there is no picture."""
    assert curve_texts([curve(1, 0.3125), curve(1e-7, name="rate")]) == [
        "loss 0.3125",
        "rate 1e-07",
    ]
    running = record(curves=tuple(curve(1, n, name=f"c{n}") for n in range(5)))
    assert job_line(running, START).endswith("c0 0 · c1 1 · c2 2")


def test_loops_within_a_job_are_bars_of_their_own() -> None:
    """As long as it runs; when it has succeeded, they are all over."""
    bars = (Bar(name="batches", done=120, total=400), Bar(name="samples", done=12))
    inner = Progress(done=3, total=10, bars=bars)
    html = job_html(record(progress=inner), now_ms=START)
    assert html.count('role="progressbar"') == 2
    assert 'aria-label="batches"' in html
    assert 'aria-valuenow="30"' in html
    assert "batches 120 of 400" in html
    assert "samples 12" in html
    assert "batches" not in job_html(record(JobState.SUCCEEDED, progress=inner), now_ms=START)
    assert "batches" in job_html(record(JobState.FAILED, progress=inner), now_ms=START)


def test_what_a_job_takes_is_told() -> None:
    """While it runs, what it takes now; afterwards, the most."""
    usage = Usage(memory_bytes=312_000_000, peak_bytes=512_000_000, cores=1.93)
    html = job_html(record(usage=usage), now_ms=START).replace("\N{NO-BREAK SPACE}", " ")
    assert "312 MB · CPU 193 %" in html
    assert "at most 512 MB" in job_line(record(JobState.SUCCEEDED, usage=usage), START)


def test_a_card_with_every_curve_is_small() -> None:
    """Twelve of two hundred points: it is sent with each redraw."""
    curves = [curve(*(math.sin(n / 9) for n in range(200)), name=f"curve {m}") for m in range(12)]
    assert len(curves_html(curves)) < 24_000
