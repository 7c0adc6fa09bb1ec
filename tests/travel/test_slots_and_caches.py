"""What cloudpickle leaves out comes back whole, in a process that has never seen it."""

from __future__ import annotations

import base64
import fnmatch
import functools
import pickle
import subprocess
import sys
from collections import namedtuple
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import pytest

from taskkit.travel.local_modules import by_value
from taskkit.travel.pickling import dumps

T = TypeVar("T")

CHILD = """
import base64, pickle, sys
from taskkit.travel.pickling import dumps
function, value = pickle.loads(base64.b64decode(sys.stdin.read()))
print(base64.b64encode(dumps(function(value))).decode())
"""


def there(function: Any, value: Any) -> Any:
    """Return what a function returns in another process."""
    sent = base64.b64encode(by_value(dumps, (function, value))).decode()
    done = subprocess.run(
        [sys.executable, "-c", CHILD], input=sent, capture_output=True, text=True, check=True
    )
    return pickle.loads(base64.b64decode(done.stdout))


class Slim:
    __slots__ = ("x",)

    def __init__(self, x: int) -> None:
        self.x = x


class Slimmer(Slim):
    __slots__ = "y"  # a single name is allowed


@dataclass(slots=True, frozen=True)
class Point:
    x: int
    y: int = 2


class Loose(Slim):
    pass


class Pair(NamedTuple):
    x: int
    y: int = 2

    def swapped(self) -> tuple[int, int]:
        return self.y, self.x


class Tagged(NamedTuple, Generic[T]):
    x: int
    tag: T


class Labelled(namedtuple("Labelled", "x label")):
    __slots__ = ()


@pytest.mark.parametrize("cls", [Slim, Slimmer, Loose, Point], ids=lambda cls: cls.__name__)
def test_objects_with_slots_travel(cls: Any) -> None:
    """There and back; of a dataclass, too."""
    value = cls(3)
    if cls is Slimmer:
        value.y = 4

    def same(given: Any) -> tuple[Any, int, bool]:
        return given, given.x + 1, hasattr(given, "__dict__")

    back, more, has_dict = there(same, value)
    assert type(back) is cls
    assert (back.x, more, has_dict) == (3, 4, cls is Loose)
    assert getattr(back, "y", None) == {Slimmer: 4, Point: 2}.get(cls)


@pytest.mark.parametrize(
    "value", [Pair(1), Tagged(1, "a"), Labelled(1, "b")], ids=lambda value: type(value).__name__
)
def test_named_tuples_travel(value: Any) -> None:
    """There and back, and can be made and told from others there."""

    def more(given: Any) -> tuple[Any, Any, str, bool]:
        return given._replace(x=2), type(given)(3, 4), repr(given), hasattr(given, "__dict__")

    replaced, made, told, has_dict = there(more, value)
    assert type(replaced) is type(made) is type(value)
    assert (replaced, made) == (value._replace(x=2), type(value)(3, 4))
    assert (told, has_dict) == (repr(value), False)


def test_the_methods_of_a_named_tuple_travel() -> None:
    """And what a field is by default."""
    assert there(lambda x: Pair(x).swapped(), 5) == (2, 5)


def test_functions_with_a_cache_travel() -> None:
    """With an empty one; also where they call themselves."""

    @functools.cache
    def fibonacci(n: int) -> int:
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    def asked(n: int) -> tuple[int, int, Any, str]:
        first = fibonacci.cache_info().currsize
        return first, fibonacci(n), fibonacci.cache_parameters(), fibonacci.__name__

    fibonacci(5)
    parameters = {"maxsize": None, "typed": False}
    assert there(asked, 60) == (0, 1_548_008_755_920, parameters, "fibonacci")


def test_a_cache_that_can_be_imported_is() -> None:
    """By its name, like any function."""
    assert b"new_cache" not in dumps(fnmatch._compile_pattern)  # type: ignore[attr-defined]
