"""Results and exceptions as bytes, and back.

A value that JSON gives back unchanged travels as JSON, so that any client can read it; everything
else as a pickle, which only the notebook and the worker ever load.
"""

from __future__ import annotations

import json
import math
import pickle
import reprlib
from collections.abc import Callable
from typing import Any

import cloudpickle

from ..protocol import wire
from .classes import OWN_CLASSES

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
    if is_json(value):
        return wire.JSON, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return wire.PICKLE, cloudpickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)


def decode(media_type: str, body: bytes, load: Callable[[bytes], Any] = OWN_CLASSES.load) -> Any:
    """Return the value that `encode` wrote; a pickle is read by `load`.

    Only for bytes from one's own server or ledger: they are the owner's own code's.
    """
    if media_type == wire.JSON:
        return json.loads(body)
    return load(body)


def is_json(value: object, depth: int = _DEPTH) -> bool:
    """Return whether JSON gives `value` back equal and of the same types."""
    match value:
        case None | bool():
            return True
        case int():
            return type(value) is int and value.bit_length() <= _INT_BITS
        case str():
            return _is_text(value)
        case float():
            return type(value) is float and math.isfinite(value)
        case list() if type(value) is list and depth:
            return all(is_json(item, depth - 1) for item in value)
        case dict() if type(value) is dict and depth:
            return all(_is_text(k) and is_json(v, depth - 1) for k, v in value.items())
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


def encode_exception(error: BaseException) -> bytes:
    """Return a pickle of `error` that is known to load again.

    Raises:
        Exception: Whatever pickling or loading it raises.
    """
    body: bytes = cloudpickle.dumps(error, protocol=pickle.HIGHEST_PROTOCOL)
    # Many exception classes pickle and then fail to load, their __init__ wanting other arguments.
    loaded = pickle.loads(body)  # noqa: S301
    if type(loaded) is not type(error):
        raise TypeError(f"{type(error).__name__} does not come back as itself")
    return body
