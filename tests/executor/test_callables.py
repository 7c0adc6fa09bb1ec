"""Whatever can be called can be submitted."""

from __future__ import annotations

import functools
import math
import operator
import subprocess
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import pytest
from calls import Thing, capture
from executors import LIMIT_S, TASKKIT, THREADS, on

BY_NAME: dict[str, tuple[Callable[..., Any], tuple[Any, ...], Any]] = {
    "builtin": (divmod, (7, 2), (3, 1)),
    "extension": (math.hypot, (3, 4), 5.0),
    "method of a value": ("-".join, (["a", "b"],), "a-b"),
    "method of a type": (str.upper, ("a",), "A"),
    "class": (complex, (1, 2), 1 + 2j),
    "exception class": (ValueError.mro, (), ValueError.mro()),
    "operator": (operator.itemgetter(1), ([5, 6],), 6),
    "methodcaller": (operator.methodcaller("count", "a"), ("banana",), 3),
    "partial": (functools.partial(pow, 2, mod=5), (3,), 3),
    "partial of a partial": (functools.partial(functools.partial(capture, 1), 2), (), ((1, 2), {})),
    "bound method": (Thing(3).number, (), 3),
    "class method": (Thing.named, (), "Thing"),
    "static method": (Thing.doubled, (3,), 6),
    "callable object": (Thing(3), (4,), 7),
    "function of the library": (functools.reduce, (operator.add, [1, 2, 3]), 6),
}
"""Those that are found by a name, so that any executor takes them."""


@pytest.mark.parametrize("name", BY_NAME)
def test_what_has_a_name(executor: Executor, name: str) -> None:
    """It is called with the arguments that are given."""
    function, args, expected = BY_NAME[name]
    assert executor.submit(function, *args).result(LIMIT_S) == expected


def closure() -> Callable[[int], int]:
    """Return a function that holds a number."""
    base = 40
    return lambda n: base + n


def nested() -> Callable[[int], int]:
    """Return a function that calls itself."""

    def factorial(n: int) -> int:
        return 1 if n == 0 else n * factorial(n - 1)

    return factorial


def mutual() -> Callable[[int], bool]:
    """Return a function that is called by one that it calls."""

    def even(n: int) -> bool:
        return n == 0 or odd(n - 1)

    def odd(n: int) -> bool:
        return n != 0 and even(n - 1)

    return even


def wrapped() -> Callable[[int], int]:
    """Return a function with a decorator."""

    def plus_one(function: Callable[[int], int]) -> Callable[[int], int]:
        @functools.wraps(function)
        def call(n: int) -> int:
            return function(n) + 1

        return call

    @plus_one
    def double(n: int) -> int:
        return 2 * n

    return double


def cached() -> Callable[[int], int]:
    """Return a function with a cache."""

    @functools.cache
    def fibonacci(n: int) -> int:
        return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)

    return fibonacci


def method_of_local() -> Callable[[int], int]:
    """Return a method of an object whose class has no name outside."""

    class Base:
        def __init__(self, n: int) -> None:
            self.n = n

        def add(self, n: int) -> int:
            return self.n + n

    class Adder(Base):
        def add(self, n: int) -> int:
            return super().add(n) + 1

    return Adder(3).add


def rebinding() -> Callable[[int], int]:
    """Return a function that changes what it closes over."""
    total = 0

    def add(n: int) -> int:
        nonlocal total
        total += n
        return total

    return add


def defaults() -> Callable[[int], int]:
    """Return a function with defaults of both kinds."""

    def add(n: int, /, more: int = 10, *, most: int = 100) -> int:
        return n + more + most

    return add


def consuming() -> Callable[[int], list[int]]:
    """Return a function that goes through a generator of its own."""

    def count(n: int) -> Any:
        yield from range(n)

    return lambda n: list(count(n))


OFFSET = 7


def with_global() -> Callable[[int], int]:
    """Return a function that uses a global name of this module."""
    return lambda n: n + OFFSET


def annotated() -> Callable[[int], str]:
    """Return a function with annotations of a type that is known here only."""

    class Kind:
        pass

    def call(n: int, kind: Kind | None = None) -> str:
        return f"{n} {kind}"

    return call


@on(TASKKIT, THREADS)
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (closure, 43),
        (nested, 6),
        (mutual, False),
        (wrapped, 7),
        (method_of_local, 7),
        (rebinding, 3),
        (defaults, 113),
        (consuming, [0, 1, 2]),
        (with_global, 10),
        (annotated, "3 None"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_what_has_none(executor: Executor, make: Callable[[], Any], expected: object) -> None:
    """It travels by value; a process pool refuses it."""
    assert executor.submit(make(), 3).result(LIMIT_S) == expected


@on(TASKKIT, THREADS)
def test_a_function_with_a_cache(executor: Executor) -> None:
    """As notebooks have for what is read once."""
    assert executor.submit(cached(), 10).result(LIMIT_S) == 55


@on(TASKKIT, THREADS)
def test_a_function_is_a_result(executor: Executor) -> None:
    """It can be called here."""
    assert executor.submit(closure).result(LIMIT_S)(2) == 42


@on(TASKKIT, THREADS)
def test_a_function_is_an_argument(executor: Executor) -> None:
    """It can be called there."""
    assert executor.submit(lambda function, n: function(n), closure(), 2).result(LIMIT_S) == 42


RunScript = Callable[..., subprocess.CompletedProcess[str]]

MAIN = """
import enum
import sys
from dataclasses import dataclass

import taskkit

FACTOR = 10


def times(n):
    return n * FACTOR


@dataclass
class Point:
    x: int

    def moved(self):
        return Point(times(self.x))


class Colour(enum.Enum):
    RED = 1


class Wrong(Exception):
    pass


def fail():
    raise Wrong("wrong")


if __name__ == "__main__":
    with taskkit.Client(sys.argv[1]) as client:
        print(client.submit(times, 4).result())
        print(list(client.map(times, range(3))))
        print(client.submit(Point, 1).result() == Point(1))
        print(client.submit(Point(2).moved).result())
        print(client.submit(lambda: Colour.RED).result() is Colour.RED)
        try:
            client.submit(fail).result()
        except Wrong as error:
            print(repr(error))
"""


def test_a_script_s_own_functions_and_classes(run_script: RunScript) -> None:
    """Those of `__main__`, with what they use of it."""
    done = run_script(MAIN)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "40",
        "[0, 10, 20]",
        "True",
        "Point(x=20)",
        "True",
        "Wrong('wrong')",
    ]


def test_those_of_a_module_beside_the_script(run_script: RunScript) -> None:
    """Workers cannot import it, so that it travels by value, with the modules that it uses."""
    done = run_script(
        """
        import sys
        import taskkit
        import upper
        from upper import Point, Wrong, fail, times

        with taskkit.Client(sys.argv[1]) as client:
            print(client.submit(times, 4).result())
            print(client.submit(upper.Point(2).moved).result() == Point(80))
            print(client.submit(lambda: upper.times(1)).result())
            try:
                client.submit(fail).result()
            except Wrong as error:
                print(repr(error))
        """,
        upper="""
            import lower
            from lower import double

            FACTOR = 10

            def times(n):
                return double(n) * lower.double(FACTOR)

            class Point:
                def __init__(self, x):
                    self.x = x

                def moved(self):
                    return Point(times(self.x))

                def __eq__(self, other):
                    return isinstance(other, Point) and other.x == self.x

            class Wrong(Exception):
                pass

            def fail():
                raise Wrong("wrong")
            """,
        lower="def double(n):\n    return 2 * n\n",
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["160", "True", "40", "Wrong('wrong')"]
