"""Finds which part of an object keeps it from being pickled."""

from __future__ import annotations

import types
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from .local_modules import by_value
from .pickling import dumps
from .values import preview

_DEPTH = 6
_WIDTH = 200


def blame(
    value: object,
    name: str,
    error: Exception,
    *,
    fate: str = "be sent to a worker",
    advice: str = "Make it inside the function instead, or pass what it is made from.",
) -> str:
    """Return a sentence that names the innermost object that cannot travel, and the way there."""
    path, culprit, why = _innermost(value, name, error, _DEPTH, set())
    kind = f"{type(culprit).__module__}.{type(culprit).__qualname__}".removeprefix("builtins.")
    reason = str(why).strip().split("\n", 1)[0].rstrip(".")
    return f"{path} cannot {fate}: it is a {kind} ({reason}). {advice}"


def _innermost(
    value: object, path: str, error: Exception, depth: int, seen: set[int]
) -> tuple[str, object, Exception]:
    seen.add(id(value))
    for name, part in _parts(value) if depth else ():
        if id(part) in seen:
            continue
        try:
            by_value(dumps, part)
        except Exception as why:  # noqa: BLE001  # the edge around user code
            return _innermost(part, f"{path} → {name}", why, depth - 1, seen)
    return path, value, error


def _parts(value: object) -> Iterator[tuple[str, Any]]:
    match value:
        case types.FunctionType():
            yield from _parts_of_function(value)
        case types.MethodType():
            yield "self", value.__self__
        case dict():
            for key, part in list(value.items())[:_WIDTH]:
                yield f"[{preview(key)}]", part
        case list() | tuple() | set() | frozenset():
            for n, part in enumerate(list(value)[:_WIDTH]):
                yield f"[{n}]", part
        case _ if type(value).__reduce__ is not object.__reduce__:
            return  # it is not pickled by its parts: what it says itself is the reason
        case _ if isinstance(getattr(value, "__dict__", None), dict):
            for name, part in list(vars(value).items())[:_WIDTH]:
                yield f".{name}", part


def _parts_of_function(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    for name, cell in cells:
        with suppress(ValueError):  # nothing has been assigned to it yet
            yield f"its variable {name!r}", cell.cell_contents
    for name in function.__code__.co_names:
        if name in function.__globals__:
            yield f"the global {name!r}", function.__globals__[name]
    for name, default in (function.__kwdefaults__ or {}).items():
        yield f"the default of {name!r}", default
    for n, default in enumerate(function.__defaults__ or (), 1):
        yield f"default {n}", default
