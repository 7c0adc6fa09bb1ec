"""Values come back as they were, in whichever form they travelled."""

from __future__ import annotations

import datetime
import json
import math
import pickle
from collections import OrderedDict, namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskkit.protocol.wire import JSON, PICKLE
from taskkit.travel.values import decode, encode, encode_exception, is_json, preview, readable

Point = namedtuple("Point", "x y")  # a subclass of tuple is what is meant

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters())
    | st.binary()
    | st.complex_numbers(allow_nan=False)
    | st.dates()
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.dictionaries(st.text(st.characters()) | st.integers() | st.booleans(), inner),
        st.frozensets(st.integers() | st.text()),
    ),
    max_leaves=20,
)


def same(a: object, b: object) -> bool:
    """Return whether two values are equal and of the same types all the way down."""
    if type(a) is not type(b):
        return False
    match a:
        case dict():
            assert isinstance(b, dict)
            return list(a) == list(b) and all(
                type(x) is type(y) and same(a[x], b[y]) for x, y in zip(a, b, strict=True)
            )
        case list() | tuple():
            assert isinstance(b, list | tuple)
            return len(a) == len(b) and all(map(same, a, b))
        case float():
            assert isinstance(b, float)
            return a == b and math.copysign(1, a) == math.copysign(1, b)
    return a == b


@settings(max_examples=300, deadline=None)
@given(values)
def test_every_value_comes_back_as_it_was(value: object) -> None:
    """Tuples as tuples, numbers as keys as numbers, half a surrogate pair as itself."""
    media_type, body = encode(value)
    assert same(decode(media_type, body), value)


@settings(max_examples=200, deadline=None)
@given(values)
def test_what_travels_as_json_is_json(value: object) -> None:
    """UTF-8, and read alike by a strict reader; what is not faithful in JSON is a pickle."""
    media_type, body = encode(value)

    def refuse(name: str) -> None:
        raise AssertionError(name)

    if media_type == JSON:
        assert same(json.loads(body.decode("utf-8"), parse_constant=refuse), value)
    else:
        assert media_type == PICKLE
        assert not is_json(value)


@pytest.mark.parametrize(
    "value", [None, True, 0, -1, 2**64, 1.5, "grüße", [], {}, {"a": [1, {"b": None}]}], ids=repr
)
def test_what_json_can_say_travels_as_json(value: object) -> None:
    """So that curl shows it."""
    assert encode(value)[0] == JSON


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        {1: "a"},
        {None: 1},
        [1, (2,)],
        math.inf,
        math.nan,
        [math.nan],
        b"bytes",
        {1, 2},
        np.float64(0.5),
        np.int64(3),
        np.bool_(True),
        Point(1, 2),
        OrderedDict(a=1),
        datetime.datetime(2026, 1, 1),
        "\ud800",
        {"\ud800": 1},
        2**20_000,
    ],
    ids=lambda value: f"{type(value).__name__}-{preview(value)[:20]}",
)
def test_what_json_would_change_travels_as_a_pickle(value: object) -> None:
    """And comes back of the same type."""
    media_type, body = encode(value)
    found = decode(media_type, body)
    assert media_type == PICKLE
    assert type(found) is type(value)
    assert found == value or str(found) == str(value)


def test_arrays_come_back_whole() -> None:
    """With their type, shape and every bit."""
    array = np.linspace(0, 1, 1000, dtype=np.float32).reshape(10, 100)
    array[0, 0] = np.nan
    found = decode(*encode({"x": array}))["x"]
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    assert found.tobytes() == array.tobytes()


def test_deep_values_travel_too() -> None:
    """Deeper than JSON is looked into."""
    value: list[Any] = []
    for _ in range(100):
        value = [value]
    assert encode(value)[0] == PICKLE
    assert decode(*encode(value)) == value


def test_a_value_that_holds_itself_travels() -> None:
    """As it does not in JSON."""
    endless: list[Any] = [1]
    endless.append(endless)
    found = decode(*encode(endless))
    assert found[1] is found


def test_what_cannot_be_pickled_raises() -> None:
    """The caller says what that means."""
    with pytest.raises(TypeError):
        encode([iter_forever() for _ in range(1)])


def iter_forever() -> Any:
    """Return a generator."""
    yield 1


class Rude:
    """Raises whenever it is looked at."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Half:
    """Its repr is half a surrogate pair."""

    def __repr__(self) -> str:
        return "caf\udce9"


@settings(max_examples=200, deadline=None)
@given(values)
def test_a_preview_is_short_and_printable(value: object) -> None:
    """Whatever the value, and UTF-8 can carry it."""
    text = preview(value)
    assert text
    assert len(text) <= 1000
    text.encode()


@pytest.mark.parametrize(
    ("make", "shown"),
    [
        (lambda: np.zeros((3, 4)), "ndarray of shape (3, 4), float64"),
        (lambda: np.float64(0.5), "np.float64(0.5)"),
        (Rude, "<Rude>"),
        (Half, "caf\\udce9"),
        (lambda: 10**5000, "<int>"),
        (lambda: [*range(20)], "[0, 1, 2, 3, 4, 5, 6, 7, ...]"),
    ],
)
def test_a_preview_says_what_it_is(make: Callable[[], object], shown: str) -> None:
    """Arrays by their shape, what cannot show itself by its class."""
    assert preview(make()) == shown


def test_readable_text_is_left_as_it_is() -> None:
    """Only what UTF-8 cannot carry is written out."""
    assert readable("grüße 🎉") == "grüße 🎉"
    assert readable("caf\udce9") == "caf\\udce9"


class Picky(Exception):
    """Pickles, and does not load: its class wants two arguments."""

    def __init__(self, step: int, residual: float) -> None:
        super().__init__(f"at step {step}: {residual}")


@pytest.mark.parametrize("error", [KeyError("x"), Picky(7, 0.5)], ids=repr)
def test_an_exception_comes_back_as_itself(error: Exception) -> None:
    """Also where its class wants other arguments than those that it holds."""
    found = pickle.loads(encode_exception(error))
    assert type(found) is type(error)
    assert found.args == error.args


class Turncoat(Exception):
    """Comes back as something else."""

    def __reduce__(self) -> Any:
        return ValueError, ("other",)


def test_an_exception_that_would_come_back_as_another_is_not_encoded() -> None:
    """What the notebook catches is what the task raised."""
    with pytest.raises(TypeError, match="Turncoat does not come back"):
        encode_exception(Turncoat())
