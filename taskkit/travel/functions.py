"""Functions of a notebook as pickles, and clear words for what cannot be pickled."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..protocol.errors import CannotTravel, PayloadTooLarge, RequestError, ServiceError
from ..protocol.spec import MAX_ARGUMENTS_BYTES
from .blame import blame
from .fingerprint import fingerprint
from .local_modules import by_value
from .outgoing import Outgoing, Sent
from .pickling import dumps

PYTHON_MINOR = ".".join(platform.python_version_tuple()[:2])
"""What both sides of a pickle must share."""

IN_ONE = Outgoing(None)
"""Keeps nothing apart."""


def pickle_function(function: Callable[..., Any], outgoing: Outgoing = IN_ONE) -> Sent:
    """Return a function as it is sent.

    Raises:
        CannotTravel: The function holds something that cannot be pickled.
        DiskFull, PayloadTooLarge, Unavailable, NotReachable: What is large of it cannot be kept.
    """
    try:
        return outgoing.pickled(function)
    except (RequestError, ServiceError):
        raise
    except Exception as error:
        name = getattr(function, "__name__", type(function).__name__)
        raise CannotTravel(blame(function, f"the function {name}", error)) from error


def pickle_arguments(
    args: Sequence[Any], kwargs: Mapping[str, Any], outgoing: Outgoing = IN_ONE
) -> Sent:
    """Return ``(args, kwargs)`` as they are sent.

    Raises:
        CannotTravel: An argument cannot be pickled; the message says which, and where in it.
        PayloadTooLarge: One is larger than whoever keeps it takes, or, where nobody keeps large
            ones, they take more than `MAX_ARGUMENTS_BYTES` in all; the message names the largest.
        DiskFull, Unavailable, NotReachable: What is large of them cannot be kept.
    """
    try:
        pickled, blobs = outgoing.pickled((tuple(args), dict(kwargs)))
    except PayloadTooLarge as error:
        raise PayloadTooLarge(_largest_argument(args, kwargs, str(error))) from error
    except (RequestError, ServiceError):
        raise
    except Exception as error:
        raise CannotTravel(_blame_argument(args, kwargs, error)) from error
    if len(pickled) > MAX_ARGUMENTS_BYTES:
        limit = f"the arguments of a job may take {MAX_ARGUMENTS_BYTES // 2**20} MiB in all"
        raise PayloadTooLarge(_largest_argument(args, kwargs, limit))
    return pickled, blobs


def pickle_value(value: object, outgoing: Outgoing = IN_ONE) -> Sent:
    """Return a value as it is sent.

    Raises:
        CannotTravel: It cannot be pickled; the message says what in it.
        DiskFull, PayloadTooLarge, Unavailable, NotReachable: What is large of it cannot be kept.
    """
    try:
        return outgoing.pickled(value)
    except (RequestError, ServiceError):
        raise
    except Exception as error:
        raise CannotTravel(blame(value, "the value", error)) from error


def pickle_calls(calls: Sequence[Sequence[Any]]) -> bytes:
    """Return the pickle of the arguments of several calls.

    Raises:
        CannotTravel: An argument cannot be pickled; the message says which, and where in it.
    """
    try:
        return by_value(dumps, calls)
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


def _named(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[tuple[str, Any]]:
    positional = [(f"argument {n}", value) for n, value in enumerate(args, 1)]
    return positional + [(f"argument {name!r}", value) for name, value in kwargs.items()]


def _blame_argument(args: Sequence[Any], kwargs: Mapping[str, Any], error: Exception) -> str:
    for name, value in _named(args, kwargs):
        try:
            by_value(dumps, value)
        except Exception as why:  # noqa: BLE001  # the edge around user code
            return blame(value, name, why)
    return f"the arguments cannot be sent to a worker: {error}"


def _largest_argument(args: Sequence[Any], kwargs: Mapping[str, Any], limit: str) -> str:
    sizes = [(len(dumps(value)), name) for name, value in _named(args, kwargs)]
    size, name = max(sizes)
    return (
        f"{name} takes {size / 2**20:.0f} MiB; {limit}. "
        "Load the data inside the function instead, from a path or a URL that the workers reach."
    )
