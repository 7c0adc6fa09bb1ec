"""The same work has the same fingerprint in every kernel, other work another one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taskkit.travel.fingerprint import fingerprint
from taskkit.travel.functions import pickle_function, work_of

SOURCE = """
import abc, dataclasses, enum, functools, math, typing
import xml

T = typing.TypeVar("T")
SCALE = 2
UNITS = {"metre", "second", "kelvin", ("m", 1)}

class Unstable(Exception):
    pass

class Model(abc.ABC):
    kinds = frozenset({"wet", "dry", "cold"})

    def __init__(self, rate):
        self.rate = rate

    @property
    def half(self):
        return self.rate / SCALE

@dataclasses.dataclass
class Point:
    x: int
    unit: str = "metre"

class Phase(enum.Enum):
    SOLID = "solid"
    LIQUID = "liquid"

def check(value: T) -> T:
    if value in {"wet", "dry", "hot"}:
        raise Unstable(value)
    return value

@functools.wraps(check)
def checked(value):
    return check(value)

def fit(x, *, power=3):
    def inner(y):
        return check(Model(y).half) + math.pow(y, power)
    if x in UNITS or xml.dom is Phase.SOLID:
        return Point(x)
    return [inner(n) for n in range(x)]
"""


def notebook(source: str = SOURCE, file: str = "/tmp/ipykernel_7/1.py") -> dict[str, Any]:
    """Return what a notebook's cell defines."""
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(source, file, "exec"), space)
    return space


def fit(source: str = SOURCE, file: str = "/tmp/ipykernel_7/1.py") -> Callable[..., Any]:
    """Return the cell's function."""
    function: Callable[..., Any] = notebook(source, file)["fit"]
    return function


KNOWN = work_of(fit())


def test_the_tests_of_this_file_are_about_something() -> None:
    """Pickles of the same cell do differ: by its file, and by the ids of its classes."""
    digests = {pickle_function(fit())[0], pickle_function(fit())[0]}
    assert len(digests) == 2
    plain = "def fit(x): return x"
    assert pickle_function(fit(plain, "1.py")) != pickle_function(fit(plain, "2.py"))


def test_a_cell_of_another_kernel_is_the_same_work() -> None:
    """Its file is called otherwise, and its classes are others."""
    assert work_of(fit(file="/tmp/ipykernel_8/1.py")) == KNOWN


@pytest.mark.parametrize("call", ["fit", "check", "checked", "Model", "Point", "Phase"])
def test_salted_hashes_change_nothing(call: str) -> None:
    """Of functions, classes and sets, in processes that put sets in another order."""
    code = (
        "import sys; sys.path[:0] = [sys.argv[1]]\n"
        "from test_fingerprint import notebook, work_of\n"
        f"things = notebook(); print(list(things['UNITS']), work_of(things[{call!r}]).hex())"
    )
    here = str(Path(__file__).parent)
    said = [
        subprocess.run(
            [sys.executable, "-c", code, here],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.rsplit(" ", 1)
        for seed in ("1", "2")
    ]
    assert said[0][0] != said[1][0]
    assert said[0][1] == said[1][1]


def test_comments_and_places_change_nothing() -> None:
    """A cell is tidied up all the time."""
    tidied = SOURCE.replace("SCALE = 2", "# how much\n\nSCALE = 2").replace("[inner", "[  inner")
    assert tidied.count("\n") > SOURCE.count("\n")
    assert work_of(fit(tidied)) == KNOWN


def test_what_has_happened_meanwhile_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The function has run, its classes have been used, and more of a package is imported."""
    function = fit()
    monkeypatch.delitem(sys.modules, "xml.dom", raising=False)
    before = work_of(function)
    import xml.dom

    function(2)
    pickle_function(function)
    assert work_of(function) == before == KNOWN
    assert xml.dom


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SCALE = 2", "SCALE = 3"),
        ("power=3", "power=4"),
        ('"kelvin"', '"mole"'),
        ('("m", 1)', '("m", 2)'),
        ('"hot"', '"warm"'),
        ('"cold"', '"warm"'),
        ("self.rate / SCALE", "self.rate * SCALE"),
        ("math.pow(y, power)", "math.pow(power, y)"),
        ("math.pow(y, power)", "math.fmod(y, power)"),
        ("Unstable(Exception)", "Unstable(ValueError)"),
        ('unit: str = "metre"', 'unit: str = "second"'),
        ('SOLID = "solid"', 'SOLID = "hard"'),
        ("range(x)", "range(x + 1)"),
    ],
)
def test_another_function_is_other_work(old: str, new: str) -> None:
    """Wherever it differs: constants, globals, defaults, code, classes, members of sets."""
    changed = SOURCE.replace(old, new)
    assert changed != SOURCE
    assert work_of(fit(changed)) != KNOWN


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (1, True),
        (1, 1.0),
        (1, "1"),
        ((1, 2), [1, 2]),
        ({1, 2}, frozenset({1, 2})),
        ({1, 2}, [1, 2]),
        ({1, 2}, {1, 3}),
        ({"a", 1}, {"a", 2}),
        ({frozenset({"a"}), frozenset({"b"})}, {frozenset({"a"}), frozenset({"c"})}),
        ("a" * 32, "b" * 32),
        (np.arange(3), np.arange(4)),
        (np.arange(3), np.arange(3.0)),
    ],
    ids=lambda value: f"{type(value).__name__} {len(repr(value))}",  # a set's repr varies
)
def test_other_arguments_are_other_work(one: object, two: object) -> None:
    """Also where Python takes them for equal."""
    assert fingerprint([one]) != fingerprint([two])


def test_equal_arguments_are_the_same_work() -> None:
    """Made again, as a cell makes them again; members of sets in whatever order."""

    def arguments() -> list[Any]:
        point = notebook()["Point"]
        return [{"rate": 0.5}, np.arange(3), point(1), {"a", "b", 1, None, ("c", 2)}]

    assert fingerprint(arguments()) == fingerprint(arguments())


def test_what_cannot_be_pickled_has_none() -> None:
    """It raises as pickling does."""
    with pytest.raises(TypeError, match="cannot pickle"):
        work_of(n for n in range(3))
