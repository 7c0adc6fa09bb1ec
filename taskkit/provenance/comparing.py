"""Whether what a repetition came to is the same: by its bytes first, else by what they stand for.

The notions, each weaker than the one before: the same bytes; equal values; numbers that are close.
Types must be the same, so that 1 is not 1.0. See docs/cards.md.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from typing import Any

RTOL, ATOL = 1e-9, 0.0
"""How far numbers may differ: as much of the larger one, or as much in all."""

_DEPTH = 100


class Verdict(StrEnum):
    """How a repetition compares with what was recorded, from the strongest on."""

    SAME = "same"
    #: The same bytes.
    EQUAL = "equal"
    #: Other bytes, and the same value: order in sets and dicts, how often an object is written.
    CLOSE = "close"
    #: Equal but for numbers, which are within the tolerance.
    UNKNOWN = "unknown"
    #: It cannot be told.
    OTHER = "other"


SAME_ENOUGH = frozenset({Verdict.SAME, Verdict.EQUAL, Verdict.CLOSE})

_GRAVITY = list(Verdict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of comparing."""

    verdict: Verdict
    why: str = ""
    #: In words, with where in the value; "" where there is nothing to say.
    difference: float = 0.0
    #: The largest relative difference of numbers that was seen.


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far numbers may differ and are close still."""

    rtol: float = RTOL
    atol: float = ATOL


def compare(recorded: Any, found: Any, tolerance: Tolerance = Tolerance()) -> Comparison:
    """Return how two values compare; never raises what they raise.

    >>> compare({"a": [1.0]}, {"a": [1.0 + 1e-12]}).verdict
    <Verdict.CLOSE: 'close'>
    >>> compare((1, 2), (1, 3)).why
    'result[1]: 2 became 3'
    """
    try:
        return _compare(recorded, found, tolerance, "result", _DEPTH)
    except Exception as error:  # noqa: BLE001  # the edge around user code: values compare as they like
        return Comparison(
            Verdict.UNKNOWN, f"they cannot be compared ({type(error).__name__}: {error})"
        )


def _compare(one: Any, other: Any, near: Tolerance, place: str, depth: int) -> Comparison:
    if one is other:
        return Comparison(Verdict.EQUAL)
    if type(one) is not type(other):
        kinds = f"{type(one).__name__} became a {type(other).__name__}"
        # Classes that travel by value are made anew each time.
        if type(one).__qualname__ != type(other).__qualname__:
            return Comparison(Verdict.OTHER, f"{place}: a {kinds}")
    if depth == 0:
        return Comparison(Verdict.UNKNOWN, f"{place}: it is nested too deeply to be compared")
    match one:
        case bool() | int() | str() | bytes() | bytearray() | None:
            return _plain(one, other, place)
        case float() | complex():
            return _number(one, other, near, place)
        case dict():
            return _mapping(one, other, near, place, depth)
        case list() | tuple():
            return _sequence(one, other, near, place, depth)
        case set() | frozenset() | range() | slice():
            return _plain(one, other, place)
    return _object(one, other, near, place, depth)


def _plain(one: Any, other: Any, place: str) -> Comparison:
    if one == other:
        return Comparison(Verdict.EQUAL)
    return Comparison(Verdict.OTHER, f"{place}: {_short(one)} became {_short(other)}")


def _number(one: complex, other: complex, near: Tolerance, place: str) -> Comparison:
    if one == other or (one != one and other != other):  # neither is a number
        return Comparison(Verdict.EQUAL)
    off = abs(one - other)
    largest = max(abs(one), abs(other))
    relative = float(off / largest) if largest and math.isfinite(off) else math.inf
    why = f"{place}: {one!r} became {other!r}"
    # As `math.isclose` has it: both count alike.
    if math.isfinite(off) and off <= max(near.rtol * largest, near.atol):
        return Comparison(Verdict.CLOSE, why, relative)
    return Comparison(Verdict.OTHER, why, relative)


def _mapping(
    one: Mapping[Any, Any], other: Mapping[Any, Any], near: Tolerance, place: str, depth: int
) -> Comparison:
    if one.keys() != other.keys():
        lost, new = one.keys() - other.keys(), other.keys() - one.keys()
        told = [f"without {_few(lost)}"] if lost else []
        told += [f"with {_few(new)}"] if new else []
        return Comparison(Verdict.OTHER, f"{place}: it came {' and '.join(told)}")
    parts = ((f"{place}[{name!r}]", one[name], other[name]) for name in one)
    return _worst(_compare(mine, theirs, near, where, depth - 1) for where, mine, theirs in parts)


def _sequence(
    one: Sequence[Any], other: Sequence[Any], near: Tolerance, place: str, depth: int
) -> Comparison:
    if len(one) != len(other):
        return Comparison(Verdict.OTHER, f"{place}: {len(one)} members became {len(other)}")
    pairs = enumerate(zip(one, other, strict=True))
    return _worst(
        _compare(mine, theirs, near, f"{place}[{n}]", depth - 1) for n, (mine, theirs) in pairs
    )


def _object(one: Any, other: Any, near: Tolerance, place: str, depth: int) -> Comparison:
    home = type(one).__module__.partition(".")[0]
    if home == "pandas" and hasattr(one, "equals"):
        return _pandas(one, other, near, place)
    if hasattr(one, "__array__") and "numpy" in sys.modules:
        return _array(one, other, near, place, depth)
    says_so: object = None
    is_asked = home != "scipy"  # whose matrices compare member by member, and warn of it
    if is_asked and "__eq__" in _own_names(type(one)) and type(one) is type(other):
        says_so = one == other
        if says_so is True:
            return Comparison(Verdict.EQUAL)
    if hasattr(one, "__dict__") and vars(one):
        # A class that says nothing of equality, or one whose parts may be close.
        found = _mapping(vars(one), vars(other), near, place, depth)
        if says_so is not False or found.verdict is not Verdict.EQUAL:
            return found
    elif says_so is False:
        return _plain(one, other, place)
    return Comparison(
        Verdict.UNKNOWN, f"{place}: a {type(one).__name__} does not say when two are the same"
    )


def _own_names(kind: type) -> set[str]:
    """Return what a class has that is not every object's."""
    return {name for base in kind.__mro__[:-1] for name in vars(base)}


def _array(one: Any, other: Any, near: Tolerance, place: str, depth: int) -> Comparison:
    import numpy as np

    mine, theirs = np.asarray(one), np.asarray(other)
    if mine.shape != theirs.shape or mine.dtype != theirs.dtype:
        told = f"{mine.dtype} of shape {mine.shape} became {theirs.dtype} of shape {theirs.shape}"
        return Comparison(Verdict.OTHER, f"{place}: {told}")
    if mine.dtype.kind == "O":
        return _compare(mine.tolist(), theirs.tolist(), near, place, depth - 1)
    if mine.dtype.names:
        fields = {name: mine[name] for name in mine.dtype.names}
        return _mapping(fields, {n: theirs[n] for n in fields}, near, place, depth)
    if mine.dtype.kind not in "fc":
        unlike = mine != theirs
    else:
        unlike = ~((mine == theirs) | (np.isnan(mine) & np.isnan(theirs)))
    if not unlike.any():
        return Comparison(Verdict.EQUAL)
    first = tuple(int(n) for n in np.argwhere(unlike)[0])
    words = f"{int(unlike.sum()):,} of {mine.size:,} differ, first at {list(first)}: "
    why = f"{place}: {words}{mine[first]} became {theirs[first]}"
    if mine.dtype.kind not in "fc":
        return Comparison(Verdict.OTHER, why)
    with np.errstate(all="ignore"):
        off = np.abs(mine - theirs)[unlike].astype(float)
        largest = np.maximum(np.abs(mine), np.abs(theirs))[unlike].astype(float)
        relative = np.where(np.isfinite(off), off / largest, np.inf)
        is_close = np.isfinite(off) & (off <= np.maximum(near.rtol * largest, near.atol))
    verdict = Verdict.CLOSE if bool(is_close.all()) else Verdict.OTHER
    return Comparison(verdict, why, float(relative.max()))


def _pandas(one: Any, other: Any, near: Tolerance, place: str) -> Comparison:
    testing: Any = import_module("pandas.testing")
    checks = {
        "DataFrame": testing.assert_frame_equal,
        "Series": testing.assert_series_equal,
        "Index": testing.assert_index_equal,
    }
    kinds = [kind.__name__ for kind in type(one).__mro__]
    check = next((checks[kind] for kind in kinds if kind in checks), None)
    if check is None:
        is_same = one.equals(other)
        words = f"{place}: two of pandas that are not equal"
        return Comparison(Verdict.EQUAL) if is_same else Comparison(Verdict.UNKNOWN, words)
    try:
        check(one, other, check_exact=True)
    except AssertionError:
        pass
    else:
        return Comparison(Verdict.EQUAL)
    try:
        check(one, other, check_exact=False, rtol=near.rtol, atol=near.atol)
    except AssertionError as error:
        return Comparison(Verdict.OTHER, f"{place}: {' '.join(str(error).split())[:300]}")
    return Comparison(Verdict.CLOSE, f"{place}: numbers differ within the tolerance")


def _worst(parts: Any) -> Comparison:
    """Return the gravest of several: the first that is, with the largest difference of all."""
    found, difference = Comparison(Verdict.EQUAL), 0.0
    for part in parts:
        difference = max(difference, part.difference)
        if _GRAVITY.index(part.verdict) > _GRAVITY.index(found.verdict):
            found = part
    return Comparison(found.verdict, found.why, difference)


def _short(value: Any) -> str:
    told = repr(value)
    return told if len(told) <= 80 else f"{told[:79]}…"


def _few(names: Any) -> str:
    told = sorted(map(repr, names))
    return ", ".join(told[:5]) + (f" and {len(told) - 5} more" if len(told) > 5 else "")
