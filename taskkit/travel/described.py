"""What a function is where it was written, for the cards of its jobs: its source, and this Python.

Of a function its own text alone: what it calls travels in its pickle, whose digest is of all.
"""

from __future__ import annotations

import inspect
import platform
import textwrap
from collections.abc import Callable
from functools import lru_cache, partial
from types import CodeType, FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from .distributions import DISTRIBUTIONS, OURS
from .installed import version_of
from .values import is_json, preview

SOURCE_CHARS = 20_000
"""How long a source may be that goes with its function; of a longer one the beginning does."""

DEFAULT_CHARS, MOST_DEFAULTS = 200, 50

DISTRIBUTION = "taskkit-notebook"

_SOURCES: dict[int, tuple[CodeType, str]] = {}
"""By the id of a code, which is held so that it stays its own; a notebook's cells are read once."""

_MOST_SOURCES = 256

_KNOWN: WeakKeyDictionary[Any, tuple[object, dict[str, Any]]] = WeakKeyDictionary()
"""Functions that were described, with the defaults that they had."""


def described(function: Callable[..., Any]) -> dict[str, Any]:
    """Return what is known of a function here, ready for JSON; nothing where it is not to be asked.

    >>> told = described(described)
    >>> told["module"], told["source"].partition("(")[0]
    ('taskkit.travel.described', 'def described')
    """
    if not isinstance(function, FunctionType):  # which may say another thing each time
        return _described(function)
    known, as_of = _KNOWN.get(function), function.__defaults__
    if known is None or known[0] is not as_of:
        known = _KNOWN[function] = as_of, _described(function)
    return known[1]


def _described(function: Callable[..., Any]) -> dict[str, Any]:
    try:
        inner = _inner(function)
        module = str(getattr(inner, "__module__", None) or "")
        found = {
            "module": module,
            "qualname": str(getattr(inner, "__qualname__", type(inner).__qualname__)),
            **_origin(module),
            "parameters": _parameters(function),
            "defaults": defaults(function),
            **_source(inner),
            "client": _here(),
        }
    except Exception:  # noqa: BLE001  # the edge around user code: a callable says what it likes
        return {}
    return {name: value for name, value in found.items() if value}


def _inner(function: Any) -> Any:
    """Return what a reader would call the function: of a partial what that calls, of an object
    its class."""
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function)
    return function if isinstance(getattr(function, "__qualname__", None), str) else type(function)


def _parameters(function: Any) -> list[str]:
    """Return what its positional arguments are called, as far as it says so."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [one.name for one in parameters if one.kind in kinds]


def defaults(function: Any) -> dict[str, Any]:
    """Return what its arguments are where they are not given: themselves, or in words."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    given = {one.name: one.default for one in parameters if one.default is not one.empty}
    return {
        name: value if is_json(value) and len(repr(value)) <= DEFAULT_CHARS else preview(value)
        for name, value in list(given.items())[:MOST_DEFAULTS]
    }


def _origin(module: str) -> dict[str, str]:
    if module.partition(".")[0] in OURS:
        return {"distribution": DISTRIBUTION, "version": version_of(DISTRIBUTION)}
    origin = DISTRIBUTIONS.origin(module)
    if origin is None or not origin.package:
        return {}
    return {"distribution": origin.package, "version": origin.version}


def _source(function: Any) -> dict[str, Any]:
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return _cut(_text(function))
    known = _SOURCES.get(id(code))
    if known is None or known[0] is not code:
        if len(_SOURCES) >= _MOST_SOURCES:
            _SOURCES.clear()
        known = _SOURCES[id(code)] = code, _text(function)
    return _cut(known[1])


def _text(function: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function))
    except Exception:  # noqa: BLE001  # the edge around user code: classes say what they like
        return ""


def _cut(source: str) -> dict[str, Any]:
    if len(source) <= SOURCE_CHARS:
        return {"source": source}
    return {"source": source[:SOURCE_CHARS], "is_source_cut": True}


@lru_cache(maxsize=1)
def _here() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "taskkit": version_of(DISTRIBUTION),
        "system": platform.platform(),
    }
