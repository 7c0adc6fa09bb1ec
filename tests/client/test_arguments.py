"""Arguments of named tasks as JSON."""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any

import numpy as np
import pytest

from taskkit.client.arguments import json_arguments
from taskkit.protocol.errors import CannotTravel, RequestError


def test_plain_values_pass_as_they_are() -> None:
    """Positional ones in their places, named ones by name."""
    args = [1, 2.5, "grüße", True, None, {"a": [1, {}]}]
    assert json_arguments("fit", args, {"x": 1, "y": "z"}) == (args, {"x": 1, "y": "z"})


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int32(7), 7),
        (np.float32(0.5), 0.5),
        (np.float64(0.1), 0.1),
        (np.bool_(True), True),
        (np.str_("s"), "s"),
        (np.array(3), 3),
        ((1, np.int64(2)), [1, 2]),
        ({"n": np.uint8(255)}, {"n": 255}),
    ],
)
def test_scalars_of_numpy_become_pythons(value: object, plain: object) -> None:
    """Also within lists and dicts, and exactly."""
    [found], _ = json_arguments("fit", [value], {})
    assert found == plain
    assert type(found) is type(plain)


@pytest.mark.parametrize(
    "value",
    [
        np.zeros(3),
        np.zeros((1, 1)),
        {1, 2},
        b"bytes",
        object(),
        math.nan,
        [1, math.inf],
        np.float64("nan"),
        decimal.Decimal(1),
        datetime.date(2026, 1, 1),
        np.datetime64("2026-01-01"),
        1j,
        {(1, 2): 3},
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_cannot_carry_is_refused(value: Any) -> None:
    """Before anything is sent, with a way out."""
    with pytest.raises(CannotTravel, match="submit a function instead") as caught:
        json_arguments("fit", [], {"data": value})
    assert f"'data' of the named task 'fit' is a {type(value).__name__}" in str(caught.value)


def test_a_positional_argument_is_named_by_its_place() -> None:
    """Counted from one, as people count."""
    with pytest.raises(CannotTravel, match=r"^argument 2 of"):
        json_arguments("fit", [1, np.zeros(2)], {})


def test_a_value_that_holds_itself_is_refused() -> None:
    """It has no end."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(CannotTravel):
        json_arguments("fit", [endless], {})


def test_refusing_is_a_type_error_and_the_callers_fault() -> None:
    """What pickling raises elsewhere, so that old code catches it."""
    assert issubclass(CannotTravel, TypeError)
    assert issubclass(CannotTravel, RequestError)
