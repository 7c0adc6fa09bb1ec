"""Values that travel as they are, and those that cannot."""

from __future__ import annotations

import datetime
import decimal
import enum
import fractions
import io
import math
import pathlib
import sys
import threading
import uuid
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
from calls import Thing, same
from executors import ALL, LIMIT_S, TASKKIT, THREADS, on

import taskkit

Point = namedtuple("Point", "x y")


@dataclass(frozen=True)
class Row:
    """A dataclass."""

    name: str
    numbers: tuple[int, ...] = ()


class Colour(enum.Enum):
    """An enumeration."""

    RED = 1
    BLUE = "blue"


class Level(enum.IntEnum):
    """An enumeration of integers."""

    LOW = 1


class Names(list[str]):
    """A list by another name, with something more."""

    def __init__(self, *names: str) -> None:
        super().__init__(names)
        self.more = len(names)


class Slotted:
    """An object without a dict."""

    __slots__ = ("value",)

    def __init__(self, value: int) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slotted) and other.value == self.value

    __hash__ = None  # type: ignore[assignment]


@dataclass(slots=True)
class Slim:
    """A dataclass that has them too."""

    value: int


VALUES: list[object] = [
    None,
    True,
    0,
    -(2**63),
    10**5000,
    -0.0,
    math.inf,
    1e-320,
    3 + 4j,
    "",
    "ü\N{SNOWMAN}\x00\U0001f600",
    "\udce9",
    b"\x00\xff",
    bytearray(b"ab"),
    (),
    (1, (2, [3])),
    [],
    [1, "a", None, [True, 1.0]],
    {},
    {"a": {"b": [1]}},
    {1: "one", (2, 3): "pair", None: "none", False: "no"},
    {1, 2},
    frozenset("ab"),
    range(3, 9, 2),
    slice(1, None, 2),
    ...,
    NotImplemented,
    int,
    Point(1, 2),
    Row("a", (1, 2)),
    Colour.BLUE,
    Level.LOW,
    [Level.LOW, 1, True],
    Names("a", "b"),
    OrderedDict(b=1, a=2),
    Counter("aab"),
    defaultdict(list, {"a": [1]}),
    deque([1, 2], maxlen=2),
    decimal.Decimal("1.10"),
    fractions.Fraction(1, 3),
    datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
    datetime.timedelta(microseconds=1),
    uuid.UUID(int=7),
    pathlib.PurePosixPath("/a/b"),
    np.float64(0.5),
    np.int64(3),
    np.array("2026-01-02", dtype="datetime64[D]")[()],
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_comes_back_as_it_was(executor: Executor, value: object) -> None:
    """Equal, and of the same type in all its parts."""
    found = executor.submit(same, value).result(LIMIT_S)
    assert type(found) is type(value)
    assert found == value
    limit = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        assert repr(found) == repr(value)
    except AssertionError:
        assert isinstance(value, set | frozenset)
    finally:
        sys.set_int_max_str_digits(limit)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6).reshape(2, 3)),
        np.arange(100_000)[::7],
        np.array(["a", None], dtype=object),
        np.zeros((0, 3)),
        np.array([(1, 2.0)], dtype=[("n", int), ("x", float)]),
        np.ma.masked_array([1, 2], [True, False]),
    ],
    ids=["plain", "fortran", "strided", "object", "empty", "structured", "masked"],
)
def test_an_array_comes_back_as_it_was(executor: Executor, array: np.ndarray[Any, Any]) -> None:
    """With its values, type and shape, and writable."""
    found = executor.submit(same, array).result(LIMIT_S)
    assert (type(found), found.dtype, found.shape) == (type(array), array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)
    assert found.flags.writeable


def test_arguments_that_are_one_object_stay_one(executor: Executor) -> None:
    """Within a call."""
    shared = [1]
    assert executor.submit(are_one, shared, shared).result(LIMIT_S) is True


def are_one(first: object, second: object) -> bool:
    """Return whether both are the same object."""
    return first is second


@on(*ALL)
def test_parts_of_a_result_that_are_one_object_stay_one(executor: Executor) -> None:
    """What is changed in one is changed in the other."""
    first, second = executor.submit(twice, [1]).result(LIMIT_S)
    assert first is second


def twice(value: object) -> list[object]:
    """Return a list that has it twice."""
    return [value, value]


@on(*ALL)
@pytest.mark.parametrize("value", [Slotted(3), Slim(3)], ids=lambda value: type(value).__name__)
def test_an_object_without_a_dict(executor: Executor, value: object) -> None:
    """As of a dataclass with slots."""
    assert executor.submit(same, value).result(LIMIT_S) == value


def test_what_contains_itself(executor: Executor) -> None:
    """It does so still."""
    ring: list[Any] = [1]
    ring.append(ring)
    found = executor.submit(same, ring).result(LIMIT_S)
    assert found[1] is found


def test_a_member_of_an_enumeration_is_the_notebook_s(executor: Executor) -> None:
    """It is compared by `is`."""
    assert executor.submit(same, Colour.RED).result(LIMIT_S) is Colour.RED


def test_an_object_of_a_class_of_one_s_own(executor: Executor) -> None:
    """It is of the class that the notebook has."""
    found = executor.submit(same, Thing(3)).result(LIMIT_S)
    assert isinstance(found, Thing)
    assert found.number() == 3


@on(TASKKIT, THREADS)
def test_an_object_of_a_class_of_a_function_s_own(executor: Executor) -> None:
    """Also where the class has no name that could be imported."""

    @dataclass
    class Local:
        n: int

    class Kind(enum.Enum):
        ONE = 1

    found = executor.submit(lambda: [Local(1), Kind.ONE]).result(LIMIT_S)
    assert found == [Local(1), Kind.ONE]
    assert isinstance(found[0], Local)
    assert found[1] is Kind.ONE


# What cannot travel


LOCK = threading.Lock()


def with_global() -> None:
    """Use a lock."""
    LOCK.acquire()


def with_default() -> Any:
    """Return a function that has a lock for a default."""

    def inner(lock: object = threading.Lock()) -> None:
        pass

    return inner


def with_closure() -> Any:
    """Return a function that holds a lock."""
    inner = {"lock": threading.Lock()}
    return lambda: inner


@on(TASKKIT)
@pytest.mark.parametrize(
    ("call", "way"),
    [
        (partial(same, threading.Lock()), r"lock"),
        (Thing(threading.Lock()).number, r"the function number → self → \.n .*lock"),  # type: ignore[arg-type]
        (with_closure(), r"its variable 'inner' → \['lock'\] .*lock"),
        (with_default(), r"default 1 .*lock"),
        (lambda: LOCK.acquire(), r"the global 'LOCK' .*lock"),
    ],
    ids=["partial", "method", "closure", "default", "global"],
)
def test_a_function_that_cannot_travel_is_refused(executor: Executor, call: Any, way: str) -> None:
    """At the call, with the way to what cannot."""
    with pytest.raises(TypeError, match=way):
        executor.submit(call)


@on(TASKKIT)
def test_a_function_of_a_module_that_cannot_travel_is_refused(executor: Executor) -> None:
    """Its module is nowhere but here, so that no worker could import it."""
    with pytest.raises(TypeError, match=r"the global 'LOCK' .*lock"):
        executor.submit(with_global).result(LIMIT_S)


@on(TASKKIT)
@pytest.mark.parametrize(
    ("value", "way"),
    [
        (threading.Lock(), r"argument 1 cannot .*lock"),
        ([{"a": (1, threading.Lock())}], r"argument 1 → \[0\] → \['a'\] → \[1\] cannot .*lock"),
        (Thing(threading.Lock()), r"argument 1 → \.n cannot .*lock"),  # type: ignore[arg-type]
        ((n for n in range(3)), r"argument 1 cannot .*generator"),
        (io.FileIO(__file__), r"argument 1 cannot .*FileIO"),
        (sys._getframe(), r"argument 1 cannot .*frame"),
    ],
    ids=["lock", "nested", "attribute", "generator", "file", "frame"],
)
def test_an_argument_that_cannot_travel_is_refused(
    executor: Executor, value: object, way: str
) -> None:
    """At the call, with the way to what cannot."""
    with pytest.raises(TypeError, match=way):
        executor.submit(same, value)


@on(TASKKIT)
def test_in_a_map_too(executor: Executor) -> None:
    """The item's argument is named."""
    with pytest.raises(TypeError, match=r"argument 2.* cannot .*lock"):
        executor.map(are_one, [1, 2], [1, threading.Lock()])


def deep() -> list[Any]:
    """Return a list in a list in a list, far beyond what pickle follows."""
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    return nested


@on(TASKKIT)
def test_what_is_too_deep_is_refused(executor: Executor) -> None:
    """As an argument at once, as a result in words."""
    with pytest.raises(TypeError, match=r"argument 1 .*deep"):
        executor.submit(len, deep())
    with pytest.raises(TypeError, match=r"the result, a list, cannot .*deep"):
        executor.submit(deep).result(LIMIT_S)


def lock_inside() -> Any:
    """Return a lock, somewhere."""
    return {"found": [1, threading.Lock()]}


def lock_alone() -> Any:
    """Return a lock."""
    return threading.Lock()


def endless() -> Any:
    """Return a generator, as who forgets the `list` around it does."""
    return (n for n in range(3))


async def later() -> int:
    """Return a coroutine, as who forgets the `await` does."""
    return 1


@on(TASKKIT)
@pytest.mark.parametrize(
    ("call", "kind"), [(lock_alone, "lock"), (endless, "generator"), (later, "coroutine")]
)
def test_a_result_that_cannot_travel_is_an_error(executor: Executor, call: Any, kind: str) -> None:
    """It names what was returned."""
    with pytest.raises(TypeError, match=f"the result, a {kind}, cannot be pickled"):
        executor.submit(call).result(LIMIT_S)


@on(TASKKIT)
def test_a_result_with_something_that_cannot_travel(executor: Executor) -> None:
    """It names the way to it."""
    with pytest.raises(TypeError, match=r"the result → \['found'\] → \[1\] .*lock"):
        executor.submit(lock_inside).result(LIMIT_S)


@on(TASKKIT)
@pytest.mark.parametrize("place", ["argument", "nested", "closure", "method"])
def test_a_client_is_refused_in_words(executor: taskkit.Client, place: str) -> None:
    """It says that it is a client: its own parts are nobody's business."""
    calls: dict[str, Any] = {
        "argument": lambda: executor.submit(same, executor),
        "nested": lambda: executor.submit(same, {"client": [executor]}),
        "closure": lambda: executor.submit(lambda: executor.submit(abs, -1)),
        "method": lambda: executor.submit(executor.submit, abs, -1),
    }
    with pytest.raises(TypeError, match="Client") as caught:
        calls[place]()
    assert "_link" not in str(caught.value)


@on(TASKKIT)
def test_a_job_within_a_function_is_refused_in_words(executor: taskkit.Client) -> None:
    """It says that it is a job, and how its result gets there."""
    job = executor.submit(abs, -1)
    with pytest.raises(TypeError, match=r"its variable 'job' .*Job .*result") as caught:
        executor.submit(lambda: job.result())
    assert "_condition" not in str(caught.value)
