"""The hop profile: its points exist, and its hops add up."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from bench.hops.points import CALLED, POINTS, RAN, RETURNED, Point
from bench.hops.profile import middle_ms, way
from bench.hops.stamps import Stamps

MS = 1_000_000


@pytest.mark.parametrize("point", [p for p in POINTS if p.module], ids=lambda point: point.name)
def test_every_point_is_a_call_that_exists(point: Point) -> None:
    """One that was renamed would silently be missing from the profile."""
    owner, method = point.call.split(".")
    assert callable(getattr(getattr(importlib.import_module(point.module), owner), method))


def test_a_jobs_way_is_made_of_the_stamps_within_its_time() -> None:
    """The first or the last of a name, as its point says; others belong to other jobs."""
    window = {CALLED: 100, RAN: 150, RETURNED: 200}
    stamped = [(90, "queued"), (110, "queued"), (120, "queued"), (160, "packet"), (190, "packet")]
    found = way(window, [*stamped, (210, "packet")])
    assert (found["queued"], found["packet"], found[RAN]) == (110, 190, 150)


def test_hops_add_up_to_the_whole() -> None:
    """Also where a point is missing, or was reached before the one that precedes it."""
    job = {CALLED: 0, "accepted": 4 * MS, "woken": 3 * MS, RAN: 6 * MS, RETURNED: 10 * MS}
    slow = {CALLED: 0, RETURNED: 900 * MS}
    found = middle_ms([job, job, job, slow])
    assert found == {"accepted": 4.0, "woken": 0.0, RAN: 2.0, RETURNED: 4.0, "whole": 10.0}


def test_stamps_are_written_as_calls_begin_or_end(tmp_path: Path) -> None:
    """By whichever process, into one file; an end only with a value where that is asked for."""
    stamps = Stamps(str(tmp_path / "stamps"))
    begin = Point("a", "", "", "", "begin")
    valued = Point("b", "", "", "", "end", only_with_value=True)
    assert stamps.wrap(begin, len)([1]) == 1
    assert stamps.wrap(valued, lambda: None)() is None
    assert stamps.wrap(valued, lambda: 2)() == 2
    lines = (tmp_path / "stamps").read_text().splitlines()
    assert [line.split()[1] for line in lines] == ["a", "b"]
