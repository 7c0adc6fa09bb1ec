"""Functions of a notebook as pickles, and clear words for what cannot be pickled."""

from __future__ import annotations

import pickle
import platform
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import Any

import cloudpickle

from ..protocol.errors import CannotTravel, PayloadTooLarge
from ..protocol.spec import MAX_ARGUMENTS_BYTES
from .blame import blame
from .fingerprint import fingerprint
from .local_modules import by_value

PYTHON_MINOR = ".".join(platform.python_version_tuple()[:2])
"""What both sides of a pickle must share."""


def pickle_function(function: Callable[..., Any]) -> tuple[str, bytes]:
    """Return the SHA-256 of a function's pickle, and the pickle.

    Raises:
        CannotTravel: The function holds something that cannot be pickled.
    """
    try:
        pickled = _dumps(function)
    except Exception as error:
        name = getattr(function, "__name__", type(function).__name__)
        raise CannotTravel(blame(function, f"the function {name}", error)) from error
    return sha256(pickled).hexdigest(), pickled


def pickle_arguments(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bytes:
    """Return the pickle of ``(args, kwargs)``.

    Raises:
        CannotTravel: An argument cannot be pickled; the message says which, and where in it.
        PayloadTooLarge: They take more than `MAX_ARGUMENTS_BYTES`.
    """
    whole = (tuple(args), dict(kwargs))
    try:
        pickled = _dumps(whole)
    except Exception as error:
        raise CannotTravel(_blame_argument(args, kwargs, error)) from error
    if len(pickled) > MAX_ARGUMENTS_BYTES:
        raise PayloadTooLarge(_largest_argument(args, kwargs))
    return pickled


def pickle_calls(calls: Sequence[Sequence[Any]]) -> bytes:
    """Return the pickle of the arguments of several calls.

    Raises:
        CannotTravel: An argument cannot be pickled; the message says which, and where in it.
    """
    try:
        return _dumps(calls)
    except Exception:
        for args in calls:
            pickle_arguments(args, {})
        raise


def work_of(value: object) -> bytes:
    """Return the fingerprint of a function or of arguments: the same in every kernel.

    Raises:
        Exception: Whatever pickling raises for what cannot be pickled.
    """
    return by_value(fingerprint, value)


def _dumps(value: object) -> bytes:
    write: Callable[[object], bytes] = partial(cloudpickle.dumps, protocol=pickle.HIGHEST_PROTOCOL)
    return by_value(write, value)


def _named(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[tuple[str, Any]]:
    positional = [(f"argument {n}", value) for n, value in enumerate(args, 1)]
    return positional + [(f"argument {name!r}", value) for name, value in kwargs.items()]


def _blame_argument(args: Sequence[Any], kwargs: Mapping[str, Any], error: Exception) -> str:
    for name, value in _named(args, kwargs):
        try:
            cloudpickle.dumps(value)
        except Exception as why:  # noqa: BLE001  # the edge around user code
            return blame(value, name, why)
    return f"the arguments cannot be sent to a worker: {error}"


def _largest_argument(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    sizes = [(len(cloudpickle.dumps(value)), name) for name, value in _named(args, kwargs)]
    size, name = max(sizes)
    limit = MAX_ARGUMENTS_BYTES // 2**20
    return (
        f"{name} takes {size / 2**20:.0f} MiB; the arguments of a job may take {limit} MiB in all. "
        "Load the data inside the function instead, from a path or a URL that the workers reach."
    )
