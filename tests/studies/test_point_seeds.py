"""What tells points apart, and the seeds that come of it."""

from __future__ import annotations

import doctest
import importlib
from typing import Any

import numpy as np
import pytest

from taskkit.studies.calls import calling_of
from taskkit.studies.points import digest_of
from taskkit.studies.seeds import drawing, seed_of, sequence_of

POINT = {"alpha": 0.1, "beta": "x"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1}, {"a": np.int64(1)}),
        ({"a": 0.1}, {"a": np.float64(0.1)}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": (1, "x")}, {"a": (1, "x")}),
        ({"a": float("nan")}, {"a": float("nan")}),
    ],
)
def test_equal_points_are_one(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Whatever kind of number they are written in, and in whatever order."""
    assert digest_of(one) == digest_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": "1"}),
        ({"a": None}, {"a": "None"}),
        ({"a": 0.1}, {"a": np.float32(0.1)}),
        ({"a": "bc"}, {"ab": "c"}),
        ({"a": 1, "b": 2}, {"a": 2, "b": 1}),
        ({"a": (1, 2)}, {"a": (2, 1)}),
        ({"a": 2**60}, {"a": 2**60 + 1}),
    ],
)
def test_other_points_are_others(one: dict[str, Any], other: dict[str, Any]) -> None:
    """No two run together, as names and values do when they are only strung up."""
    assert digest_of(one) != digest_of(other)


def test_a_point_has_the_same_digest_in_every_release() -> None:
    """It is in seeds and in keys: another one would be another study. As of the first release."""
    assert digest_of(POINT).hex() == "928e92beb70e5fb76b4a9856d5de2c9e"


def test_a_seed_is_a_node_of_numpys_own_tree() -> None:
    """`spawn` makes children by a place; ours is the point's words and the repeat."""
    assert np.array_equal(
        np.random.SeedSequence(42).spawn(3)[2].generate_state(4),
        np.random.SeedSequence(42, spawn_key=(2,)).generate_state(4),
    )
    words = np.frombuffer(digest_of(POINT), dtype="<u4").tolist()
    ours = sequence_of(42, digest_of(POINT), 3)
    assert ours.entropy == 42
    assert ours.spawn_key == (*words, 3)
    expected = np.random.SeedSequence(42, spawn_key=(*words, 3)).generate_state(4)
    assert np.array_equal(ours.generate_state(4), expected)


def test_roots_points_and_repeats_all_make_other_seeds() -> None:
    """A thousand calls have a thousand seeds; the same call has the same one."""
    digests = [digest_of({"a": n}) for n in range(50)]
    calls = [
        (root, digest, repeat) for root in (0, 1) for digest in digests for repeat in range(10)
    ]
    seeds = [seed_of(sequence_of(*call)) for call in calls]
    assert len(set(seeds)) == len(seeds) == 1000
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert seeds == [seed_of(sequence_of(*call)) for call in calls]


def test_draws_have_places_of_their_own() -> None:
    """A draw's generator is no call's: a study may draw a point and call it with its seed."""
    digest = digest_of(POINT)
    drawn = drawing(0, digest, 0).random()
    assert drawn == drawing(0, digest, 0).random()
    others = {
        drawing(0, digest, 1).random(),
        np.random.default_rng(sequence_of(0, digest, 0)).random(),
    }
    assert drawn not in others


def test_a_function_is_given_what_it_asks_for_by_name() -> None:
    """And nothing else; what is a parameter of the grid is left alone."""
    digest = digest_of({"a": 1})
    sequence = sequence_of(7, digest, 2)

    def both(a: int, *, rng: np.random.Generator, seed: int) -> tuple[float, int]:
        return rng.random(), seed

    def neither(a: int, **others: Any) -> dict[str, Any]:
        return others

    def own(a: int, seed: int) -> int:
        return seed

    found = calling_of(both, 7, {"a": 1})({"a": 1}, digest, 2)
    assert found == (np.random.default_rng(sequence).random(), seed_of(sequence))
    assert calling_of(neither, 7, {"a": 1})({"a": 1}, digest, 2) == {}
    point = {"a": 1, "seed": 5}
    assert calling_of(own, 7, point)(point, digest_of(point), 2) == 5


def test_a_function_without_such_parameters_is_refused() -> None:
    """Before anything is sent; the message names both sides."""

    def fit(alpha: float, *, rng: object) -> None: ...

    with pytest.raises(TypeError, match=r"fit\(alpha.*cannot be called with beta: missing"):
        calling_of(fit, 0, {"beta": 1})
    with pytest.raises(TypeError, match="needs a function, not 3"):
        calling_of(3, 0, {"beta": 1})  # type: ignore[arg-type]


@pytest.mark.parametrize("module", ["points", "pieces", "rows"])
def test_the_examples_of_studies_run(module: str) -> None:
    """As they are written."""
    result = doctest.testmod(importlib.import_module(f"taskkit.studies.{module}"))
    assert result.attempted > 0
    assert result.failed == 0
