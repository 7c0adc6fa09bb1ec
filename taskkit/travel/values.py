"""Results and exceptions as bytes, and back.

A value that JSON gives back unchanged travels as JSON, so that any client can read it; everything
else as a pickle, which only the notebook and the worker ever load.
"""

from __future__ import annotations

import io
import json
import math
import pickle
import reprlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from ..protocol import wire
from .classes import OWN_CLASSES
from .pickling import Pickler, dumps

_DEPTH = 20
_INT_BITS = 10_000  # Python itself writes and reads integers of at most 4300 digits
_preview = reprlib.Repr()
_preview.maxlevel = 4
_preview.maxdict = _preview.maxlist = _preview.maxtuple = _preview.maxset = 8
_preview.maxstring = _preview.maxother = 200


def encode(value: object) -> tuple[str, bytes]:
    """Return the media type and the bytes of `value`.

    Raises:
        Exception: Whatever pickling raises for a value that cannot be pickled.
    """
    if (body := as_json(value)) is not None:
        return wire.JSON, body
    return wire.PICKLE, dumps(value)


def decode(media_type: str, body: bytes, load: Callable[[bytes], Any] = OWN_CLASSES.load) -> Any:
    """Return the value that `encode` wrote; a pickle is read by `load`.

    Only for bytes from one's own server or ledger: they are the owner's own code's.
    """
    if media_type == wire.JSON:
        return json.loads(body)
    return load(body)


def as_json(value: object) -> bytes | None:
    """Return `value` as JSON; None where JSON would not give it back as it is."""
    if not is_json(value):
        return None
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def is_json(value: object) -> bool:
    """Return whether JSON gives `value` back equal, of the same types, and no object twice."""
    return _is_json(value, _DEPTH, set())


def _is_json(value: object, depth: int, seen: set[int]) -> bool:
    match value:
        case None | bool():
            return True
        case int():
            return type(value) is int and value.bit_length() <= _INT_BITS
        case str():
            return _is_text(value)
        case float():
            return type(value) is float and math.isfinite(value)
        case list() | dict() if depth and type(value) in (list, dict) and id(value) not in seen:
            seen.add(id(value))
            if isinstance(value, dict) and not all(map(_is_text, value)):
                return False
            parts: Iterable[object] = value.values() if isinstance(value, dict) else value
            return all(_is_json(part, depth - 1, seen) for part in parts)
    return False


def _is_text(value: object) -> bool:
    return type(value) is str and readable(value) == value


def preview(value: object) -> str:
    """Return a shortened ``repr``, whatever a class's own ``__repr__`` does."""
    try:
        shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
        if isinstance(shape, tuple) and shape and dtype is not None:
            return f"{type(value).__name__} of shape {shape}, {dtype}"
        return readable(_preview.repr(value)[:1000])
    except Exception:  # noqa: BLE001  # the edge around user code
        return f"<{type(value).__name__}>"


def readable(text: str) -> str:
    r"""Return `text` with what UTF-8 cannot carry written out.

    Half a surrogate pair stands for a byte in names of files that are not UTF-8.

    >>> print(readable("caf\udce9"))
    caf\udce9
    """
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


class _ExceptionPickler(Pickler):
    """Writes exceptions by what they hold, not by a call that their classes may not take."""

    def reducer_override(self, obj: Any) -> Any:
        """Return how `obj` is taken apart."""
        cls: Any = type(obj)
        if isinstance(obj, BaseException) and (
            cls.__reduce__ is _BASE.__reduce__
            and cls.__reduce_ex__ is _BASE.__reduce_ex__
            and cls.__new__ is _plain_new(cls)
        ):
            return new_exception, (cls, obj.args), obj.__dict__ or None
        return super().reducer_override(obj)


_BASE: Any = BaseException


def _plain_new(cls: type[BaseException]) -> Any:
    """Return the constructor of the nearest built-in class, which stores the arguments."""
    return next(base for base in cls.__mro__ if base.__module__ == "builtins").__new__


def new_exception(cls: type[BaseException], args: tuple[Any, ...]) -> BaseException:
    """Return an exception with these arguments, its own constructor not called."""
    error = cls.__new__(cls, *args)
    error.args = args
    return error


def encode_exception(error: BaseException) -> bytes:
    """Return a pickle of `error` that is known to load again.

    Raises:
        Exception: Whatever pickling or loading it raises.
    """
    body = dumps(error)
    # Many classes pickle and then load otherwise or not, their __init__ wanting other arguments.
    with suppress(Exception):
        if _is_same(pickle.loads(body), error):  # noqa: S301
            return body
    with io.BytesIO() as file:
        _ExceptionPickler(file, protocol=pickle.HIGHEST_PROTOCOL).dump(error)
        body = file.getvalue()
    if not _is_same(pickle.loads(body), error):  # noqa: S301
        raise TypeError(f"{type(error).__name__} does not come back as itself")
    return body


def _is_same(loaded: object, error: BaseException) -> bool:
    return type(loaded) is type(error) and repr(loaded.args) == repr(error.args)
