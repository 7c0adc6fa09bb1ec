"""Grids and draws: which points a study has, and that it only grows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import stats

from taskkit.protocol.errors import StudyChanged
from taskkit.studies.pieces import Piece, check_of, piece_of, title_of
from taskkit.studies.record import Record, growth_of
from taskkit.studies.rows import Planned
from taskkit.studies.space import draws, grid, space_of, wider


def test_a_grid_has_every_combination_in_the_order_of_writing() -> None:
    """The last parameter changes first; a single value is the same everywhere; a text is one."""
    space = space_of({"a": np.array([1, 2]), "b": range(2), "c": 0.5, "d": "xy"})
    points = list(grid(space))
    assert points == [
        {"a": a, "b": b, "c": 0.5, "d": "xy"} for a, b in ((1, 0), (1, 1), (2, 0), (2, 1))
    ]
    assert all(type(point["a"]) is int for point in points)


@pytest.mark.parametrize("given", [{}, [1, 2], {"a b": [1]}, {1: [2]}, {"a": []}])
def test_what_is_no_space_is_refused(given: Any) -> None:
    """With the parameter's name where there is one."""
    with pytest.raises((TypeError, ValueError)):
        space_of(given)


def test_drawn_points_stay_when_there_are_more_of_them() -> None:
    """And those of one parameter stay when another comes: each has generators of its own."""
    space = space_of(
        {"a": stats.loguniform(1e-4, 1), "b": [1, 2, 3], "c": lambda rng: rng.normal()}
    )
    few, many = draws(space, 5, 1), draws(space, 50, 1)
    assert many[:5] == few
    assert len(many) == 50
    assert draws(space, 5, 2) != few
    without = draws({name: space[name] for name in ("a", "c")}, 5, 1)
    assert [point["a"] for point in without] == [point["a"] for point in few]
    assert all(type(point["a"]) is float and 1e-4 <= point["a"] <= 1 for point in many)


def test_draws_follow_their_distribution() -> None:
    """Of 2,000 draws the distribution is that of SciPy's, by the test of Kolmogorov and Smirnov."""
    drawn = [point["a"] for point in draws(space_of({"a": stats.norm(3, 2)}), 2000, 5)]
    assert stats.kstest(drawn, stats.norm(3, 2).cdf).pvalue > 0.001


def test_where_there_are_no_more_points_there_are_fewer() -> None:
    """A point that was drawn before is not a second one; it ends, though nothing new comes."""
    space = space_of({"a": [1, 2], "b": [1, 2]})
    points = draws(space, 100, 0)
    assert sorted((point["a"], point["b"]) for point in points) == [(1, 1), (1, 2), (2, 1), (2, 2)]


def test_a_grid_grows_by_values_that_are_new() -> None:
    """Those that it has already, in whatever kind of number, are not there twice."""
    space = space_of({"a": [0, 1], "b": [5]})
    assert wider(space, {"a": [1.0, 2]})["a"] == (0, 1, 2)
    with pytest.raises(ValueError, match="no parameter 'c', but a, b"):
        wider(space, {"c": [1]})
    with pytest.raises(ValueError, match="a is drawn"):
        wider(space, {"a": stats.norm()})


def test_a_space_that_is_drawn_needs_to_be_told_how_often() -> None:
    """A grid of it would have no end."""
    with pytest.raises(ValueError, match="a is drawn: say by samples="):
        growth_of(space_of({"a": stats.norm()}), samples=None, repeats=1, root=0)
    for wrong in (0, -1):
        with pytest.raises(ValueError, match="repeats is 1 or more"):
            growth_of(space_of({"a": [1]}), samples=None, repeats=wrong, root=0)
    with pytest.raises(TypeError, match="samples is a whole number"):
        growth_of(space_of({"a": [1]}), samples=True, repeats=1, root=0)


def record(*, codes: tuple[str, ...] = ("a" * 32,), seed: int = 0, space: Any = None) -> Record:
    """Return a record of a study over a small grid."""
    growth = growth_of(space_of(space or {"a": [1, 2]}), samples=None, repeats=1, root=seed)
    return Record(name="s", seed=seed, codes=codes, growths=(growth,), function=b"f")


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (partial(record, space={"a": np.array([1.0, 2.0])}), True),
        (partial(record, space={"a": [2, 1]}), False),
        (partial(record, space={"b": [1, 2]}), False),
        (partial(record, seed=1), False),
        (partial(record, codes=("b" * 32,)), False),
    ],
)
def test_records_are_compared_by_what_they_say(other: Callable[[], Record], is_same: bool) -> None:
    """Not by their bytes, which every kernel pickles otherwise."""
    assert (other().work() == record().work()) is is_same


def test_another_function_is_refused_kept_or_counts_alone() -> None:
    """As the user says; the message says what there is to say."""
    before, now = record(), record(codes=("b" * 32,))
    with pytest.raises(StudyChanged, match=r"'s' was begun with another function.*changed='keep'"):
        before.with_code(now, "refuse")
    assert before.with_code(now, "keep").codes == ("a" * 32, "b" * 32)
    assert before.with_code(now, "redo").codes == ("b" * 32,)
    assert before.with_code(record(), "refuse") is before
    with pytest.raises(StudyChanged, match="has the seed 0, not 3"):
        before.require_seed(3)


def test_a_job_is_known_by_its_title_and_by_no_other_studys() -> None:
    """The check is of function, seed, point and repeat."""
    row = Planned({"a": 1}, b"d" * 16, 0)
    check = check_of("c", 0, row)
    for piece in (Piece(3, None, check), Piece(64, 128, check)):
        found = piece_of("my [1] study", title_of("my [1] study", piece))
        assert found is not None
        assert found.rows == piece.rows
        assert found.stop == piece.stop
        assert check.startswith(found.check)
    for title in ("my [1] study", "my [1] study record 0", "my study [3] " + check[:12]):
        assert piece_of("my [1] study", title) is None
    others = [
        check_of("d", 0, row),
        check_of("c", 1, row),
        check_of("c", 0, row._replace(digest=b"e" * 16)),
        check_of("c", 0, row._replace(repeat=1)),
    ]
    assert len({check, *others}) == 5
