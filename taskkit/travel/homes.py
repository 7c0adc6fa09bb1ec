"""Functions that come back to the notebook that they belong to, and are at home there again."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

from cloudpickle import cloudpickle

MAIN = "__main__"
"""Where a notebook's functions are defined."""

_make = cloudpickle._make_function  # noqa: SLF001  # cloudpickle has no other way
_set_state = cloudpickle._function_setstate  # noqa: SLF001


def at_home(namespace: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    """Return how cloudpickle is to make functions so that the notebook's have these globals.

    A global that comes along is put into `namespace` only where there is none of its name.
    """

    def make(code: CodeType, globals: dict[str, Any], *rest: Any) -> Any:  # noqa: A002
        if globals.get("__name__") != MAIN:
            return _make(code, globals, *rest)
        return FunctionType(code, namespace, *rest)

    def fill(function: FunctionType, state: tuple[Any, dict[str, Any]]) -> None:
        if function.__globals__ is not namespace:
            _set_state(function, state)
            return
        slots = state[1]
        slots["__globals__"] = {
            name: value for name, value in slots["__globals__"].items() if name not in namespace
        }
        builtins = namespace.get("__builtins__")
        _set_state(function, state)
        if builtins is not None:
            namespace["__builtins__"] = builtins  # cloudpickle has set its own

    return {"_make_function": make, "_function_setstate": fill}
