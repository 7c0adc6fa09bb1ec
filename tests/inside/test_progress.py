"""What code inside a job says, and that it says nothing outside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hearing import Hearing

import taskkit
from taskkit.inside.place import listening

Report = tuple[float, float | None, str]


@pytest.fixture
def reports() -> Iterator[list[Report]]:
    """Listen as a worker does."""
    hearing = Hearing()
    with listening(hearing):
        yield hearing.reports


def test_a_report_reaches_the_listener(reports: list[Report]) -> None:
    """Done, total, message; the last two may be left out."""
    taskkit.progress(1)
    taskkit.progress(2, 4)
    taskkit.progress(3, total=4, message="relaxing")
    assert reports == [(1, None, ""), (2, 4, ""), (3, 4, "relaxing")]


def test_outside_a_job_nothing_happens(capsys: pytest.CaptureFixture[str]) -> None:
    """The same function runs in the notebook, silently."""
    taskkit.progress(1, 2, "x")
    assert list(taskkit.track([1, 2])) == [1, 2]
    assert capsys.readouterr() == ("", "")


def test_listening_ends_with_the_block() -> None:
    """Also where the job raised; an outer listener is back."""
    outer, inner = Hearing(), Hearing()

    def job() -> None:
        with listening(inner):
            taskkit.progress(1)
            raise ZeroDivisionError

    with listening(outer):
        with pytest.raises(ZeroDivisionError):
            job()
        taskkit.progress(2)
    taskkit.progress(3)
    assert (inner.reports, outer.reports) == ([(1, None, "")], [(2, None, "")])


def test_track_counts_what_is_done(reports: list[Report]) -> None:
    """From nothing to the whole, whose size is the length; each item counts once it is done."""
    seen_within = []
    for item in taskkit.track("abc", message="letters"):
        seen_within.append((item, reports[-1][0]))
    assert seen_within == [("a", 0), ("b", 1), ("c", 2)]
    assert reports == [(n, 3, "letters") for n in range(4)]


def test_track_takes_what_has_no_length(reports: list[Report]) -> None:
    """Its total is unknown, or said."""
    assert list(taskkit.track(n for n in range(2))) == [0, 1]
    assert list(taskkit.track((n for n in range(2)), total=2)) == [0, 1]
    assert reports == [(n, total, "") for total in (None, 2) for n in range(3)]


def test_a_total_that_was_said_comes_before_the_length(reports: list[Report]) -> None:
    """Several loops may share one bar."""
    list(taskkit.track([1], total=10))
    assert reports == [(0, 10, ""), (1, 10, "")]


def test_track_ends_where_the_loop_is_left(reports: list[Report]) -> None:
    """What was not done is not reported."""
    for item in taskkit.track(range(100)):
        if item == 2:
            break
    assert [done for done, _, _ in reports] == [0, 1, 2]


def test_track_is_lazy(reports: list[Report]) -> None:
    """It takes items as they are asked for, and passes on what the iterable raises."""

    def two() -> Iterator[Any]:
        yield 1
        raise ValueError("at the second")

    tracked = taskkit.track(two())
    assert reports == []
    assert next(tracked) == 1
    with pytest.raises(ValueError, match="at the second"):
        next(tracked)
    assert [done for done, _, _ in reports] == [0, 1]
