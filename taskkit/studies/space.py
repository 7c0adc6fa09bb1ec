"""Spaces: which values each parameter may have, and the points that come of it."""

from __future__ import annotations

import itertools
import numbers
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .points import digest_of, plain
from .seeds import drawing

Draw = Callable[[Any], Any]
"""Returns a value for one point, by a generator of NumPy's."""

Space = Mapping[str, Any]
"""For each parameter a tuple of values, or what draws one."""

MOST_TRIES = 1000
"""How many draws in a row may bring no new point, before it is taken that there are no more."""


def space_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a space as it is kept; a single value stands for a tuple of it.

    Raises:
        TypeError, ValueError: It is none; the message names the parameter.
    """
    if not isinstance(given, Mapping) or not given:
        raise TypeError(f"a study is over {{'alpha': [0.1, 0.2], …}}, not {given!r:.200}")
    for name in given:
        if not isinstance(name, str) or not name.isidentifier():
            raise TypeError(f"{name!r:.200} is no name that a parameter can have")
    space = {name: _choices(value) for name, value in given.items()}
    empty = [name for name, choices in space.items() if choices == ()]
    if empty:
        raise ValueError(f"there are no values for {empty[0]}")
    return space


def is_drawn(choices: object) -> bool:
    """Return whether a parameter's values are drawn: a frozen distribution, or a function."""
    return not isinstance(choices, tuple)


def grid(space: Space) -> Iterator[dict[str, Any]]:
    """Yield every combination; the last parameter changes first."""
    for values in itertools.product(*space.values()):
        yield dict(zip(space, values, strict=True))


def draws(space: Space, count: int, root: int) -> list[dict[str, Any]]:
    """Return `count` different points, fewer where there are no more to be found.

    The n-th draw of a parameter depends on root, name and n alone. So more draws begin with the
    ones before, and another parameter's values do not move these.
    """
    names = {name: digest_of({name: None}) for name in space}
    found: dict[bytes, dict[str, Any]] = {}
    tries = 0
    for number in itertools.count():
        if len(found) == count or tries == MOST_TRIES:
            break
        point = {
            name: _drawn(space[name], drawing(root, digest, number))
            for name, digest in names.items()
        }
        tries = tries + 1 if found.setdefault(digest_of(point), point) is not point else 0
    return list(found.values())


def wider(space: Space, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a space with more values of some parameters, those before first.

    Raises:
        ValueError: It is another parameter, or one whose values are drawn.
    """
    grown = dict(space)
    for name, choices in space_of(more).items():
        if name not in space:
            told = ", ".join(space)
            raise ValueError(f"the study has no parameter {name!r}, but {told}: make another one")
        if is_drawn(choices) or is_drawn(space[name]):
            raise ValueError(f"{name} is drawn: the study grows by samples=")
        known = {digest_of({name: value}) for value in space[name]}
        new = {digest_of({name: value}): value for value in choices}
        grown[name] = (*space[name], *(new[one] for one in new if one not in known))
    return grown


def _choices(value: Any) -> Any:
    if hasattr(value, "rvs"):
        return value
    if callable(value) and not isinstance(value, Iterable):
        return value
    tolist = getattr(value, "tolist", None)  # NumPy's numbers as Python's
    listed = value if tolist is None else tolist()
    if isinstance(listed, str | bytes | Mapping) or not isinstance(listed, Iterable):
        return (plain(listed),)
    return tuple(plain(one) for one in listed)


def _drawn(choices: Any, generator: Any) -> Any:
    if isinstance(choices, tuple):
        return choices[int(generator.integers(len(choices)))]
    if hasattr(choices, "rvs"):
        return plain(choices.rvs(random_state=generator))
    return plain(choices(generator))


def whole(name: str, value: Any, least: int) -> int:
    """Return a whole number that is given as an argument.

    Raises:
        TypeError, ValueError: It is none, or less.
    """
    if not isinstance(value, numbers.Integral) or isinstance(value, bool):
        raise TypeError(f"{name} is a whole number; this is {value!r:.200}")
    if value < least:
        raise ValueError(f"{name} is {least} or more; this is {value}")
    return int(value)
