"""When a repetition has come to the same."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from taskkit.provenance.comparing import Comparison, Tolerance, Verdict, compare

EQUAL, CLOSE, OTHER, UNKNOWN = Verdict.EQUAL, Verdict.CLOSE, Verdict.OTHER, Verdict.UNKNOWN
NEAR = 1.0 + 1e-12


@dataclass
class Fit:
    """What a fit may return."""

    value: float
    steps: int = 3


class Silent:
    """Says nothing of equality."""

    def __init__(self, x: object) -> None:
        self.x = x


class Odd:
    """Equals nothing, not even what has all that it has."""

    def __init__(self) -> None:
        self.x = 1

    def __eq__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


class Rude:
    """Cannot be asked."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("one", "other", "verdict"),
    [
        (1, 1, EQUAL),
        (1, 2, OTHER),
        (1, 1.0, OTHER),
        (True, 1, OTHER),
        ("a", "b", OTHER),
        (None, None, EQUAL),
        (math.nan, math.nan, EQUAL),
        (math.nan, 1.0, OTHER),
        (math.inf, 1.0, OTHER),
        (math.inf, math.inf, EQUAL),
        (0.0, 1e-300, OTHER),
        (1.0, NEAR, CLOSE),
        (1.0, 1.001, OTHER),
        (1 + 1j, 1 + 1j * NEAR, CLOSE),
        ([1, 2], [1, 2, 3], OTHER),
        ((1, 2), [1, 2], OTHER),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, EQUAL),
        ({"a": 1}, {"b": 1}, OTHER),
        ({1, 2, 3}, {3, 2, 1}, EQUAL),
        ([1.0, 5], [NEAR, 5], CLOSE),
        ([1.0, 5], [NEAR, 6], OTHER),
        (np.arange(3.0), np.arange(3.0) * NEAR, CLOSE),
        (np.arange(3), np.arange(3) + 1, OTHER),
        (np.arange(3), np.arange(3.0), OTHER),
        (np.zeros((2, 3)), np.zeros((3, 2)), OTHER),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), EQUAL),
        (np.array([1.0, np.inf]), np.array([1.0, 2.0]), OTHER),
        (np.array([1.0], "f4"), np.array([1.0], "f8"), OTHER),
        (np.array([1.0, "x"], object), np.array([NEAR, "x"], object), CLOSE),
        (np.array([(1, 2.0)], "i4,f8"), np.array([(1, 2.0 * NEAR)], "i4,f8"), CLOSE),
        (np.float64(1), np.float64(NEAR), CLOSE),
        (pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [1.0]}), EQUAL),
        (pd.DataFrame({"a": [1.0]}), pd.DataFrame({"a": [NEAR]}), CLOSE),
        (pd.DataFrame({"a": [1.0]}), pd.DataFrame({"b": [1.0]}), OTHER),
        (pd.Series([1, 2], name="s"), pd.Series([1, 2], name="t"), OTHER),
        (sparse.eye(3, format="csr"), sparse.eye(3, format="csr") * NEAR, CLOSE),
        (Fit(1.0), Fit(1.0), EQUAL),
        (Fit(1.0), Fit(NEAR), CLOSE),
        (Fit(1.0), Fit(1.0, 4), OTHER),
        (Silent([1.0]), Silent([NEAR]), CLOSE),
        (Silent(1), Silent(2), OTHER),
        (object(), object(), UNKNOWN),
        (Odd(), Odd(), UNKNOWN),
        (Rude(), Rude(), UNKNOWN),
    ],
)
def test_values_are_compared_by_what_they_are(one: Any, other: Any, verdict: Verdict) -> None:
    """Types count; order in dicts and sets does not; numbers may be close; both ways alike."""
    assert compare(one, other).verdict is verdict
    assert compare(other, one).verdict is verdict


def test_what_differs_is_told_with_where_it_is() -> None:
    """The gravest of all, and how large the largest difference is."""
    one = {"a": [1.0, {"b": 2.0}], "c": "x"}
    other = {"a": [1.0 + 1e-13, {"b": 2.2}], "c": "x"}
    found = compare(one, other)
    assert found.verdict is OTHER
    assert found.why == "result['a'][1]['b']: 2.0 became 2.2"
    assert found.difference == pytest.approx(0.2 / 2.2)
    array = np.zeros((3, 3))
    changed = array.copy()
    changed[2, 1] = 5
    assert "1 of 9 differ, first at [2, 1]: 0.0 became 5.0" in compare(array, changed).why


def test_the_tolerance_is_the_caller_s() -> None:
    """None at all, or as much as is asked for."""
    exact = Tolerance(0, 0)
    assert compare(1.0, NEAR, exact).verdict is OTHER
    assert compare(np.ones(2), np.ones(2) * NEAR, exact).verdict is OTHER
    assert compare(pd.Series([1.0]), pd.Series([NEAR]), exact).verdict is OTHER
    assert compare(1.0, 1.1, Tolerance(0.2)).verdict is CLOSE
    assert compare(0.0, 1e-8, Tolerance(0, 1e-6)).verdict is CLOSE


def test_what_is_nested_without_end_is_not_compared() -> None:
    """It holds itself, or goes deeper than anybody would read."""
    one: list[Any] = []
    other: list[Any] = []
    one.append(one)
    other.append(other)
    assert compare(one, other).verdict is UNKNOWN


def test_the_same_object_is_equal_whatever_it_is() -> None:
    """Also one that cannot be asked."""
    rude = Rude()
    assert compare(rude, rude) == Comparison(EQUAL)
