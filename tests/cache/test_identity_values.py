"""Values that differ have different identities, copies the same; what cannot be told has none."""

from __future__ import annotations

import collections
import copy
import datetime
import decimal
import functools
import pickle
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskkit.identity import Calls, identify


def key_of(value: object) -> str:
    """Return the key of a call with one argument, which must have one."""
    found = identify(len, (value,), {})
    assert found.key, found.unsure
    return found.key


atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False)
)
hashables = st.recursive(atoms, lambda inner: st.tuples(inner, inner) | st.frozensets(inner))
values = st.recursive(
    atoms | hashables,
    lambda inner: st.lists(inner) | st.dictionaries(atoms, inner) | st.tuples(inner, inner),
    max_leaves=12,
)


def told(value: Any) -> str:
    """Return a value as text, in which what differs differs, and the order of sets does not."""
    match value:
        case frozenset():
            return f"frozenset({sorted(map(told, value))})"
        case tuple() | list():
            return f"{type(value).__name__}({', '.join(map(told, value))})"
        case dict():
            return f"dict({', '.join(f'{told(k)}: {told(v)}' for k, v in value.items())})"
    return f"{type(value).__name__} {value!r}"


@given(values, values)
def test_different_values_have_different_keys(one: Any, other: Any) -> None:
    """Also those that are equal to Python: 1 and True and 1.0, 0.0 and -0.0."""
    if told(one) != told(other):
        assert key_of(one) != key_of(other)


@given(values)
def test_a_copy_has_the_same_key(value: Any) -> None:
    """Made by pickle, in which other texts are the same object."""
    assert key_of(pickle.loads(pickle.dumps(value))) == key_of(value)


@given(st.lists(st.integers() | st.text(), unique=True))
def test_the_order_of_a_set_does_not_matter(members: list[Any]) -> None:
    """Whatever was put in first."""
    backwards: set[Any] = set()
    for member in reversed(members):
        backwards.add(member)
    assert key_of(set(members)) == key_of(backwards)


class Point:
    """Of a module beside the tests."""

    def __init__(self, x: object) -> None:
        self.x = x


def frame(**changes: Any) -> pd.DataFrame:
    """Return a small frame."""
    columns = {"a": [1, 2, 3], "b": ["x", None, "z"], "c": [0.5, float("nan"), -0.0]}
    return pd.DataFrame({**columns, **changes})


def circle(end: object) -> list[Any]:
    """Return a list that holds itself."""
    found: list[Any] = [end]
    found.append(found)
    return found


ONE = [1]
DIFFERENT: dict[str, list[Callable[[], object]]] = {
    "numbers": [lambda: 1, lambda: 1.0, lambda: True, lambda: 1j, lambda: np.int64(1), lambda: "1"],
    "widths": [
        lambda: np.int32(1),
        lambda: np.int64(1),
        lambda: np.float64(1),
        lambda: np.array(1),
    ],
    "signs": [lambda: 0.0, lambda: -0.0],
    "kinds": [lambda: [1, 2], lambda: (1, 2), lambda: {1, 2}, lambda: frozenset([1, 2])],
    "splits": [lambda: ["ab", "c"], lambda: ["a", "bc"], lambda: ["abc"], lambda: [["ab"], "c"]],
    "orders": [lambda: {"a": 1, "b": 2}, lambda: {"b": 2, "a": 1}],
    "one list or two": [lambda: ([1], [1]), lambda: (ONE, ONE)],
    "circles": [lambda: circle(1), lambda: circle(2), lambda: [1, circle(1)]],
    "containers": [
        lambda: collections.OrderedDict(a=1),
        lambda: {"a": 1},
        lambda: collections.Counter(a=1),
        lambda: collections.defaultdict(int, a=1),
        lambda: collections.defaultdict(list, a=1),
        lambda: collections.deque([1], 3),
        lambda: collections.deque([1]),
    ],
    "instances": [lambda: Point(1), lambda: Point(2), lambda: Point([1]), lambda: Point],
    "functions": [lambda: abs, lambda: len, lambda: np.sin, lambda: np.cos, lambda: lambda: 1],
    "times": [
        lambda: datetime.datetime(2026, 1, 1),
        lambda: datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        lambda: datetime.date(2026, 1, 1),
    ],
    "exact": [lambda: decimal.Decimal("1"), lambda: decimal.Decimal("1.0"), lambda: 1],
    "paths": [lambda: Path("/a"), lambda: Path("/b"), lambda: "/a"],
    "patterns": [lambda: re.compile("a"), lambda: re.compile("a", re.I), lambda: "a"],
    "partials": [
        lambda: functools.partial(pow, 2),
        lambda: functools.partial(pow, 3),
        lambda: functools.partial(pow, exp=2),
    ],
    "hints": [lambda: list[int], lambda: list[str], lambda: list, lambda: int | None],
    "arrays": [
        lambda: np.arange(6),
        lambda: np.arange(6).reshape(2, 3),
        lambda: np.arange(6).reshape(3, 2),
        lambda: np.asfortranarray(np.arange(6).reshape(2, 3)),
        lambda: np.arange(6, dtype="i4"),
        lambda: np.arange(6, dtype=">i8"),
        lambda: np.arange(6).astype(object),
        lambda: np.arange(6).astype(float),
        lambda: np.arange(6).tolist(),
        lambda: np.arange(6).view("M8[s]"),
        lambda: np.arange(6).view("M8[D]"),
        lambda: np.ma.masked_array(np.arange(6), [0, 0, 0, 0, 0, 1]),
    ],
    "records": [
        lambda: np.zeros(2, [("a", "i4"), ("b", "i4")]),
        lambda: np.zeros(2, [("a", "i4"), ("c", "i4")]),
        lambda: np.zeros(2, "i8"),
    ],
    "random states": [lambda: np.random.default_rng(1), lambda: np.random.default_rng(2)],
    "frames": [
        frame,
        lambda: frame(a=[1, 2, 4]),
        lambda: frame(a=[1.0, 2.0, 3.0]),
        lambda: frame(b=["x", "y", "z"]),
        lambda: frame(c=[0.5, float("nan"), 0.0]),
        lambda: frame().rename(columns={"a": "A"}),
        lambda: frame()[["b", "a", "c"]],
        lambda: frame().set_index("a"),
        lambda: frame().iloc[::-1],
        lambda: frame().rename_axis("row"),
        lambda: frame(b=pd.Categorical(["x", None, "z"])),
        lambda: frame(b=pd.Categorical(["x", None, "z"], categories=["z", "x"])),
        lambda: frame(b=pd.Categorical(["x", None, "z"], ordered=True)),
        lambda: frame(b=pd.Series(["x", None, "z"], dtype=object)),
        lambda: frame(a=pd.array([1, 2, None], dtype="Int64")),
        lambda: frame(a=pd.array([1, 2, 3], dtype="Int64")),
        lambda: frame(a=pd.date_range("2026-01-01", periods=3)),
        lambda: frame(a=pd.date_range("2026-01-01", periods=3, tz="UTC")),
        lambda: frame(a=pd.date_range("2026-01-01", periods=3, tz="Europe/Berlin")),
        lambda: frame().astype({"a": "i4"}),
    ],
    "series": [
        lambda: pd.Series([1, 2]),
        lambda: pd.Series([1, 2], name="n"),
        lambda: pd.Series([1, 2], index=["a", "b"]),
        lambda: pd.Series([1, 2], index=pd.MultiIndex.from_tuples([(1, 2), (1, 3)])),
        lambda: pd.Series([1, 2], index=pd.MultiIndex.from_tuples([(1, 2), (2, 3)])),
        lambda: pd.Index([1, 2]),
        lambda: pd.RangeIndex(1, 3),
        lambda: [1, 2],
    ],
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_looks_alike_is_told_apart(what: str) -> None:
    """And what is made anew in the same way is the same, as is a copy."""
    keys = [key_of(make()) for make in DIFFERENT[what]]
    assert len(set(keys)) == len(keys)
    assert [key_of(make()) for make in DIFFERENT[what]] == keys
    assert [key_of(copy.deepcopy(make())) for make in DIFFERENT[what]] == keys


def reaches(x: Any) -> Any:
    """Import a module of this folder when it runs."""
    import programs

    return programs.PROGRAMS[x]


def unpickled() -> Any:
    """Return a generator, which is under way."""
    yield 1


UNSURE: dict[str, tuple[Callable[..., Any], tuple[Any, ...], str]] = {
    "a lock": (len, (threading.Lock(),), "the argument `0` holds a `_thread.lock`"),
    "a lock within": (len, ([{"a": threading.Lock()}],), "`_thread.lock`"),
    "a generator": (len, (unpickled(),), "`generator`"),
    "eval": (lambda x: eval(x), ("1",), "uses `eval`"),
    "globals": (lambda: globals()["x"], (), "uses `globals`"),
    "a local module": (reaches, (1,), "it imports `programs`, a module of this notebook"),
    "a ufunc of one's own": (len, (np.frompyfunc(lambda x: x, 1, 1),), "ufunc"),
    "deep": (len, (functools.reduce(lambda inner, _: [inner], range(100_000), []),), "too deep"),
}


@pytest.mark.parametrize("what", UNSURE)
def test_what_cannot_be_told_has_no_key(what: str) -> None:
    """But the reason, and the name of what it is about."""
    function, args, reason = UNSURE[what]
    found = identify(function, args, {})
    assert found.key == ""
    assert reason in found.unsure


def test_an_unknown_package_is_asked_for_and_may_be_declared() -> None:
    """Only the worker may have it."""

    def far(x: int) -> Any:
        import nowhere_to_be_found

        return nowhere_to_be_found.f(x)

    assert 'options(packages={"nowhere_to_be_found": …})' in identify(far, (1,), {}).unsure
    first = identify(far, (1,), {}, {"nowhere-to-be-found": "==1.0"})
    second = identify(far, (1,), {}, {"Nowhere_To_Be_Found": "==1.1"})
    assert first.key
    assert second.key
    assert first.key != second.key
    assert first.parts["package:nowhere-to-be-found"] == "==1.0"


def test_arguments_count_by_their_parameters() -> None:
    """By place or by name; a default that is given is as one that is not."""

    def fit(x: int, alpha: float = 0.5, *rest: int, beta: str = "b", **more: int) -> None:
        """Do nothing."""

    same = [((1,), {}), ((), {"x": 1}), ((1, 0.5), {}), ((1,), {"beta": "b", "alpha": 0.5})]
    assert len({identify(fit, args, kwargs).key for args, kwargs in same}) == 1
    others = [
        ((1, 0.25), {}),
        ((1,), {"beta": "c"}),
        ((1,), {"gamma": 1}),
        ((1, 0.5, 1), {}),
        ((1, 0), {}),
        ((True,), {}),
    ]
    keys = {identify(fit, args, kwargs).key for args, kwargs in [*same, *others]}
    assert len(keys) == 1 + len(others)


def test_one_look_at_a_function_does_for_many_calls() -> None:
    """Each is what it would be alone."""
    weights = [1, 2, 3]

    def fit(x: Any) -> int:
        return len(weights) + len(x)

    calls = Calls(fit)
    for argument in ([1], [2], weights, Point(1), fit):
        assert calls.identify((argument,), {}) == identify(fit, (argument,), {})
    assert identify(fit, (weights,), {}).key != identify(fit, ([1, 2, 3],), {}).key


def test_few_parts_are_told_and_none_is_a_value() -> None:
    """Digests and versions, however much there is."""
    many = {f"name_{n}": f"secret {n}" for n in range(200)}
    found = identify(dict, (), many)
    assert found.key
    assert len(found.parts) == 64
    assert "secret" not in repr(found)
