"""Points: what parameters a call has, and what tells one point from every other."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from ..travel.functions import work_of

DIGEST_BYTES = 16

Values = Mapping[str, Any]
"""The parameters of a point, by name."""


def digest_of(values: Values) -> bytes:
    """Return what stands for a point in every kernel, whatever the order of its parameters.

    Numbers that are equal are one point, be they Python's or NumPy's: ``1``, ``1.0``,
    ``np.float64(1)``. True is no number.

    >>> digest_of({"a": 1, "b": "x"}) == digest_of({"b": "x", "a": 1.0})
    True

    Raises:
        Exception: Whatever pickling raises for a value that cannot be pickled.
    """
    told = sha256()
    for name in sorted(values):
        for part in (name.encode(), _token(values[name])):
            told.update(len(part).to_bytes(8, "big") + part)
    return told.digest()[:DIGEST_BYTES]


def plain(value: Any) -> Any:
    """Return a scalar of NumPy's as Python's own; anything else as it is."""
    if getattr(value, "shape", None) == () and hasattr(value, "dtype"):
        return value.item()
    return value


def _token(value: Any) -> bytes:
    value = plain(value)
    kind = type(value)
    if kind is float and value.is_integer():
        value, kind = int(value), int
    if value is None or kind in (bool, int, float, str):
        return f"{kind.__name__}:{value!r}".encode(errors="surrogatepass")
    return b"other:" + work_of(value)
