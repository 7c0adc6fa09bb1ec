"""Functions travel, and are known again by their hash."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from taskkit.travel.classes import Classes
from taskkit.travel.functions import PYTHON_MINOR, pickle_arguments, pickle_function

SOURCE = """
import math
SCALE = 2
def fit(x, *, power=3):
    def inner(y):
        return SCALE * math.pow(y, power)
    return inner(x)
"""


def of_notebook(source: str = SOURCE) -> Callable[..., Any]:
    """Return `fit` as a cell defines it."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(source, space)
    function: Callable[..., Any] = space["fit"]
    return function


def test_a_function_of_a_notebook_travels_with_what_it_uses() -> None:
    """Globals, modules and inner functions."""
    pickled, _ = pickle_function(of_notebook())
    assert Classes().load(pickled)(3) == 54


def test_the_same_function_has_the_same_hash() -> None:
    """However often it is sent, also after it has run, so that it travels once."""
    fit = of_notebook()
    first = pickle_function(fit)
    fit(2)
    assert pickle_function(fit) == first


def test_a_cell_run_again_makes_the_same_function() -> None:
    """Equal source, equal hash."""
    assert pickle_function(of_notebook())[0] == pickle_function(of_notebook())[0]


@pytest.mark.parametrize(("old", "new"), [("power=3", "power=4"), ("SCALE = 2", "SCALE = 5")])
def test_another_function_has_another_hash(old: str, new: str) -> None:
    """Also where only a default or a global differs."""
    changed = of_notebook(SOURCE.replace(old, new))
    assert pickle_function(of_notebook())[0] != pickle_function(changed)[0]


@pytest.mark.parametrize("call", [functools.partial(pow, 2), len, str.upper, lambda x: x * 2])
def test_whatever_can_be_called_travels(call: Callable[..., Any]) -> None:
    """Partial functions, built-in ones, methods of types, lambdas."""
    argument = "3" if call is str.upper else [1, 2] if call is len else 3
    assert Classes().load(pickle_function(call)[0])(argument) == call(argument)


def test_arguments_come_back_in_place_and_by_name() -> None:
    """Of whatever types."""
    args, kwargs = Classes().load(pickle_arguments([1, (2, 3)], {"x": {4}})[0])
    assert (args, kwargs) == ((1, (2, 3)), {"x": {4}})


def test_the_minor_version_is_what_pickles_depend_on() -> None:
    """Two numbers."""
    assert PYTHON_MINOR.count(".") == 1
    assert [part.isdecimal() for part in PYTHON_MINOR.split(".")] == [True, True]
