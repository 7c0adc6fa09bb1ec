"""Arguments of named tasks as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..protocol.errors import CannotTravel


def json_arguments(
    task: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """Return positional and named arguments with nothing in them that JSON cannot carry.

    Scalars of NumPy become Python's.

    Raises:
        CannotTravel: An argument is something else; the message names it.
    """
    positional = [_plain(task, f"argument {n}", value) for n, value in enumerate(args, 1)]
    return positional, {name: _plain(task, repr(name), value) for name, value in kwargs.items()}


def _plain(task: str, name: str, value: Any) -> Any:
    try:
        return json.loads(json.dumps(value, default=_scalar, allow_nan=False))
    except (TypeError, ValueError) as error:
        kind = type(value).__name__
        raise CannotTravel(
            f"{name} of the named task {task!r} is a {kind} that JSON cannot carry ({error}). Pass "
            "numbers, strings, lists or dicts; to send any Python object, submit a function "
            "instead of a task's name."
        ) from error


def _scalar(value: Any) -> Any:
    item = getattr(value, "item", None)
    if item is None or getattr(value, "ndim", 0) != 0:
        raise TypeError(f"{type(value).__name__} is not JSON")
    return item()
