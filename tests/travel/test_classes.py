"""Versions of a class do not change one another, and stay the classes that they are."""

from __future__ import annotations

import enum
import pickle
from typing import Any

import cloudpickle
import pytest

from taskkit.travel.classes import Classes, OwnClasses


def model(alpha: int) -> tuple[type, Any]:
    """Return a class as a notebook defines it, and a function that uses it."""
    namespace: dict[str, Any] = {"__name__": "__main__", "ALPHA": alpha}
    source = "class Model:\n    def value(self): return ALPHA\ndef run(): return Model().value()"
    exec(source, namespace)
    return namespace["Model"], namespace["run"]


def dumps(value: object) -> bytes:
    """Pickle by value."""
    return bytes(cloudpickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL))


def forget() -> None:
    """Be another process: cloudpickle knows no class here."""
    cloudpickle.cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID.clear()


def versions() -> tuple[bytes, bytes]:
    """Return one function's pickles before and after what its class refers to was changed."""
    _, run = model(1)
    before = dumps(run)
    run.__globals__["ALPHA"] = 2
    return before, dumps(run)


def test_an_older_function_keeps_its_class() -> None:
    """Without places of their own the second load would change the first function."""
    before, after = versions()
    forget()
    first, second = Classes().load(before), Classes().load(after)
    assert (first(), second()) == (1, 2)


def test_cloudpickle_alone_would_mix_them() -> None:
    """When this fails, `Classes` can go."""
    before, after = versions()
    forget()
    first, second = pickle.loads(before), pickle.loads(after)
    assert (first(), second()) == (2, 2)


def test_an_argument_is_of_the_function_s_class() -> None:
    """Also where it was pickled by itself."""
    cls, _ = model(1)

    def is_one(value: object) -> bool:
        return type(value) is cls

    function, argument = dumps(is_one), dumps(cls())
    forget()
    place = Classes()
    assert place.load(function)(place.load(argument))
    assert not Classes().load(function)(place.load(argument))


def test_what_a_place_pickles_is_known_where_it_came_from() -> None:
    """The result's class is the notebook's own, which is not changed by what comes back."""
    cls, run = model(1)
    there = Classes()
    sent = dumps((cls, run))
    known = dict(cloudpickle.cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID)
    forget()
    loaded, _ = there.load(sent)
    back = dumps(loaded())
    cloudpickle.cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID.update(known)
    cls.value = lambda self: 7  # type: ignore[attr-defined]
    result = OwnClasses().load(back)
    assert type(result) is cls
    assert result.value() == 7  # type: ignore[attr-defined]


def test_a_class_from_elsewhere_is_filled_once_it_comes() -> None:
    """It is not this process's: whatever the newest pickle says of it holds."""
    cls, run = model(1)
    sent = dumps(cls)
    run.__globals__["ALPHA"] = 2
    newer = dumps(cls)
    forget()
    own = OwnClasses()
    first = own.load(sent)
    assert first().value() == 1
    assert own.load(newer) is first
    assert first().value() == 2


@pytest.mark.parametrize("make", [Classes, OwnClasses])
def test_enums_travel_too(make: Any) -> None:
    """They begin by another way."""
    Colour = enum.Enum("Colour", "RED GREEN", module="__main__")  # noqa: N806
    sent = dumps((Colour, Colour.RED))
    forget()
    loaded, red = make().load(sent)
    assert red is loaded.RED
    assert red.name == "RED"


def test_buffers_out_of_band_are_taken() -> None:
    """As `pickle.loads` takes them."""
    buffers: list[pickle.PickleBuffer] = []
    body = pickle.dumps(pickle.PickleBuffer(b"abc"), protocol=5, buffer_callback=buffers.append)
    assert bytes(Classes().load(body, buffers)) == b"abc"
