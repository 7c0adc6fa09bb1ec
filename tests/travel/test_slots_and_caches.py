"""What cloudpickle leaves out comes back whole, in a process that has never seen it."""

from __future__ import annotations

import base64
import fnmatch
import functools
import pickle
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from taskkit.travel.local_modules import by_value
from taskkit.travel.pickling import dumps

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
    assert b"new_cache" not in dumps(fnmatch._compile_pattern)
