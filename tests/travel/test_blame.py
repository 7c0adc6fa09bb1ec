"""What cannot be sent is named, with the way to it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from taskkit.protocol.errors import CannotTravel, PayloadTooLarge
from taskkit.travel import functions
from taskkit.travel.functions import pickle_arguments, pickle_function

LOCK = threading.Lock()


class Model:
    """Something of the user's that holds a lock."""

    def __init__(self) -> None:
        self.weights = [1.0, 2.0]
        self.guard = threading.Lock()

    def fit(self) -> None:
        """Do nothing."""


def closure() -> Callable[[], Any]:
    """Return a function that holds a lock of its surroundings."""
    lock = threading.Lock()
    return lambda: lock


def reads_global() -> bool:
    """Read a lock of the module."""
    return LOCK.locked()


def has_default(lock: Any = threading.Lock()) -> Any:  # noqa: B008  # what is tested
    """Return its default."""
    return lock


def has_named_default(*, lock: Any = threading.Lock()) -> Any:  # noqa: B008
    """Return its default."""
    return lock


def of_notebook(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` as a cell would define it: it travels by value."""
    function.__module__ = "__main__"
    return function


@pytest.mark.parametrize(
    ("function", "path"),
    [
        (closure(), "the function <lambda> → its variable 'lock'"),
        (reads_global, "the function reads_global → the global 'LOCK'"),
        (has_default, "the function has_default → default 1"),
        (has_named_default, "the function has_named_default → the default of 'lock'"),
        (Model().fit, "the function fit → self → .guard"),
    ],
    ids=["closure", "global", "default", "named default", "method"],
)
def test_a_function_is_blamed_for_what_it_holds(
    function: Callable[..., Any], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its variables, globals, defaults, and the object of a method."""
    if not hasattr(function, "__self__"):
        of_notebook(function)
    with pytest.raises(CannotTravel) as caught:
        pickle_function(function)
    sentence = str(caught.value)
    assert sentence.startswith(f"{path} cannot be sent to a worker: it is a _thread.lock (")
    assert sentence.endswith("Make it inside the function instead, or pass what it is made from.")
    assert "\n" not in sentence


def test_the_way_leads_through_everything() -> None:
    """Dicts, lists, attributes, as far down as it takes."""
    with pytest.raises(CannotTravel) as caught:
        pickle_arguments([1], {"config": {"models": [None, Model()]}})
    assert str(caught.value).startswith(
        "argument 'config' → ['models'] → [1] → .guard cannot be sent to a worker: "
        "it is a _thread.lock"
    )


def test_a_positional_argument_is_named_by_its_place() -> None:
    """Counted from one."""
    with pytest.raises(CannotTravel, match=r"^argument 2 cannot be sent .* it is a generator"):
        pickle_arguments([1, (n for n in range(3))], {})


def test_a_variable_without_a_value_is_passed_over() -> None:
    """Blaming never fails itself: here a function is not yet defined when it is asked for."""

    def outer() -> Callable[[], Any]:
        def inner() -> Any:
            return later, lock

        lock = threading.Lock()
        of_notebook(inner)
        with pytest.raises(CannotTravel, match="its variable 'lock'"):
            pickle_function(inner)
        later = 1
        return inner

    assert outer()()[0] == 1


class RudeKey:
    """A key that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


class RudeState:
    """Cannot be pickled, and says so at length."""

    def __reduce__(self) -> Any:
        raise RuntimeError("first line.\nsecond line")


def test_blaming_takes_whatever_objects_do() -> None:
    """A key without a repr; an error of many lines, of which the first is told."""
    with pytest.raises(CannotTravel) as caught:
        pickle_arguments([{RudeKey(): RudeState()}], {})
    assert str(caught.value).startswith("argument 1 → [<RudeKey instance at ")
    assert "(first line)" in str(caught.value)


def test_an_object_that_holds_itself_is_searched_once() -> None:
    """The search ends."""
    node: dict[str, Any] = {"lock": threading.Lock()}
    node["self"] = node
    with pytest.raises(CannotTravel, match=r"argument 1 → \['lock'\]"):
        pickle_arguments([node], {})


def test_the_largest_argument_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its size and the limit, and another way."""
    monkeypatch.setattr(functions, "MAX_ARGUMENTS_BYTES", 2**20)
    with pytest.raises(PayloadTooLarge) as caught:
        pickle_arguments([b"x" * 2**20], {"data": b"x" * (3 * 2**20), "n": 1})
    assert str(caught.value) == (
        "argument 'data' takes 3 MiB; the arguments of a job may take 1 MiB in all. "
        "Load the data inside the function instead, from a path or a URL that the workers reach."
    )
