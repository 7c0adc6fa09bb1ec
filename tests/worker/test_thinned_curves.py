"""Curves stay small, show the whole course evenly, and end in the last value."""

from __future__ import annotations

import json
import math
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskkit_worker.curves import MOST_CURVES, MOST_POINTS, Curves


@given(st.integers(1, 5000))
def test_a_curve_is_thinned_out_evenly(count: int) -> None:
    """The first and the last point stay; between others lie equally many."""
    curves = Curves()
    for n in range(count):
        curves.add({"loss": n / 7}, None)
    [curve] = curves.snapshot()
    assert (curve.x[0], curve.x[-1]) == (1, count)
    assert curve.y[-1] == pytest.approx((count - 1) / 7, rel=1e-5)
    assert len(curve.x) == len(curve.y) <= MOST_POINTS
    assert len(curve.x) >= min(count, MOST_POINTS // 2)
    gaps = {after - before for before, after in zip(curve.x[:-1], curve.x[1:-1], strict=False)}
    assert len(gaps) <= 1
    assert list(curve.x) == sorted(set(curve.x))


@given(
    st.lists(
        st.tuples(st.none() | st.floats(), st.floats()),
        min_size=1,
        max_size=2 * MOST_POINTS,
    )
)
def test_whatever_is_reported_can_be_told(points: list[tuple[float | None, float]]) -> None:
    """JSON has no infinite numbers; the last value is the last, to six digits."""
    curves = Curves()
    for step, value in points:
        curves.add({"loss": value}, step)
    [curve] = curves.snapshot()
    json.dumps([curve.x, curve.y], allow_nan=False)
    last = points[-1][1]
    if math.isfinite(last):
        assert curve.y[-1] == pytest.approx(last, rel=1e-5, abs=5e-324)
    else:
        assert curve.y[-1] is None


def test_each_name_is_a_curve_of_its_own() -> None:
    """One that is reported seldom keeps all that it has, beside one that is thinned out."""
    curves = Curves()
    for n in range(10 * MOST_POINTS):
        curves.add({"loss": n}, n)
        if n % MOST_POINTS == 0:
            curves.add({"score": -n}, n)
    loss, score = curves.snapshot()
    assert (loss.name, score.name) == ("loss", "score")
    assert list(score.y) == [-n for n in range(0, 10 * MOST_POINTS, MOST_POINTS)]
    assert list(score.x) == [-y for y in score.y if y is not None]


def test_too_many_names_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    """Those that came first are kept."""
    curves = Curves()
    for n in range(3):
        curves.add({f"weight {name}": n for name in range(MOST_CURVES + 5)}, None)
    names = [curve.name for curve in curves.snapshot()]
    assert names == [f"weight {name}" for name in range(MOST_CURVES)]
    told = capsys.readouterr().err
    assert told == f"taskkit: 12 curves are shown at most, without 'weight {MOST_CURVES}'\n"


def test_many_threads_may_report() -> None:
    """No point is lost, and none counted twice."""
    curves = Curves()

    def report() -> None:
        for _ in range(2000):
            curves.add({"loss": 1.0}, None)
            curves.snapshot()

    threads = [threading.Thread(target=report) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [curve] = curves.snapshot()
    assert curve.x[-1] == 8000
