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
from ..protocol.spec import MAX_ARGUMENTS_BYTES, unsealed
from .blame import blame
from .fingerprint import fingerprint
from .local_modules import local_modules

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


def work_of(value: object) -> bytes:
    """Return the fingerprint of a function or of arguments: the same in every kernel.

    Raises:
        Exception: Whatever pickling raises for what cannot be pickled.
    """
    return _by_value(fingerprint, value)


def unpickle(pickled: bytes) -> Any:
    """Return what was pickled; for a worker, and only for what its owner shipped."""
    # Running the owner's code is what a worker is for.
    return pickle.loads(unsealed(pickled)[1])  # noqa: S301


def _dumps(value: object) -> bytes:
    return _by_value(partial(cloudpickle.dumps, protocol=pickle.HIGHEST_PROTOCOL), value)


def _by_value(write: Callable[[object], bytes], value: object) -> bytes:
    """Write by value what this process alone can import; where that fails, by reference."""
    try:
        with local_modules.by_value():
            return write(value)
    except Exception:  # noqa: BLE001  # e.g. a lock among a local module's globals
        return write(value)


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
