"""Estimates that do not jump."""

from __future__ import annotations

from itertools import pairwise

import pytest

from taskkit.panels.figures import time_left
from taskkit.panels.pace import Pace, follow


def steady(steps: int, step_ms: int, *, is_zero_told: bool) -> list[tuple[int, float | None]]:
    """Return (true ms left, estimate) every 100 ms of a job of equal steps."""
    pace: Pace | None = None
    seen = []
    for now in range(0, steps * step_ms, 100):
        done = now // step_ms
        if done or is_zero_told:
            pace = follow(pace, started_at=0, done=done, total=steps, now_ms=now)
        seen.append((steps * step_ms - now, pace.left_ms(now) if pace else None))
    return seen


@pytest.mark.parametrize("is_zero_told", [True, False])
@pytest.mark.parametrize(("steps", "step_ms"), [(5, 20_000), (60, 1000), (1000, 100)])
def test_steady_progress_gives_a_time_left_that_only_falls(
    steps: int, step_ms: int, is_zero_told: bool
) -> None:
    """Also in few large steps, and never more than 2 s off the truth."""
    estimates = steady(steps, step_ms, is_zero_told=is_zero_told)
    known = [(true, left) for true, left in estimates if left is not None]
    assert len(known) > len(estimates) / 2
    assert all(later <= earlier + 1e-6 for (_, earlier), (_, later) in pairwise(known))
    assert all(abs(left - true) < 2000 for true, left in known)


def test_loading_before_the_first_report_does_not_slow_the_estimate() -> None:
    """A task that says 0 after a minute of loading is measured from there."""
    pace = follow(None, started_at=0, done=0, total=100, now_ms=60_000)
    pace = follow(pace, started_at=0, done=10, total=100, now_ms=70_000)
    assert pace.left_ms(70_000) == pytest.approx(90_000)


def test_a_second_loop_is_measured_by_itself() -> None:
    """Progress that starts again at zero is another loop."""
    pace = follow(None, started_at=0, done=90, total=100, now_ms=90_000)
    pace = follow(pace, started_at=0, done=0, total=100, now_ms=100_000)
    pace = follow(pace, started_at=0, done=50, total=100, now_ms=105_000)
    assert pace.left_ms(105_000) == pytest.approx(5000)


def test_a_job_that_stalls_gets_no_estimate() -> None:
    """After long silence nobody knows."""
    pace = follow(None, started_at=0, done=1, total=10, now_ms=1000)
    assert pace.left_ms(2000) is not None
    assert pace.left_ms(60_000) is None


def test_another_attempt_is_measured_anew() -> None:
    """What an earlier attempt did says nothing of this one."""
    pace = follow(None, started_at=0, done=50, total=100, now_ms=5000)
    pace = follow(pace, started_at=100_000, done=60, total=100, now_ms=160_000)
    assert pace.per_ms == pytest.approx(0.001)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (200, "about 1 s left"),
        (8400, "about 9 s left"),
        (23_000, "about 25 s left"),
        (58_000, "about 1 min left"),
        (83_000, "about 1 min 30 s left"),
        (23 * 60_000 + 1, "about 24 min left"),
        (7_210_000, "about 2 h 05 min left"),
    ],
)
def test_time_left_is_told_no_finer_than_it_deserves(ms: float, text: str) -> None:
    """Coarser the longer, and rounded up."""
    assert time_left(ms).replace("\N{NO-BREAK SPACE}", " ") == text
