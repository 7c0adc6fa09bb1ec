"""What stands behind a function's pickle: what it needs, and for its card what it is.

A worker reads what it needs before it loads anything. A pickle ends where it says so, and what
comes after it is passed over: by workers of an older release, too, which know needs alone, and so
these come last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..protocol.errors import DecodeError

_END = b"taskkit-needs:1\n"
_ABOUT = b"taskkit-about:1\n"
_SIZE_BYTES = 4


def stamped(
    pickled: bytes, packages: Mapping[str, str], about: Mapping[str, Any] | None = None
) -> bytes:
    """Return a function's pickle with what it needs: specifiers of PEP 440 by distribution.

    about: what else is known of it where it was made, as JSON.
    """
    told = _block(about, _ABOUT) if about else b""
    return b"".join((pickled, told, _block(dict(sorted(packages.items())), _END)))


def packages_of(stamped: bytes) -> dict[str, str]:
    """Return what a function needs; nothing where that is not said.

    Raises:
        DecodeError: What is said cannot be read.
    """
    match _read(stamped, _END)[1]:
        case dict(packages) if all(isinstance(spec, str) for spec in packages.values()):
            return packages
    raise DecodeError("what a function needs is no list of packages")


def about(stamped: bytes) -> dict[str, Any]:
    """Return what is known of a function where it was made; nothing where that is not said.

    Raises:
        DecodeError: What is said cannot be read.
    """
    match _read(_read(stamped, _END)[0], _ABOUT)[1]:
        case dict(told):
            return told
    raise DecodeError("what is said of a function is no object")


def bare_pickle(stamped: bytes) -> bytes:
    """Return a function's pickle alone.

    Raises:
        DecodeError: What is behind it cannot be read.
    """
    return _read(_read(stamped, _END)[0], _ABOUT)[0]


def _block(told: Mapping[str, Any], end: bytes) -> bytes:
    if not told:
        return b""
    text = json.dumps(told, separators=(",", ":")).encode()
    return b"".join((text, len(text).to_bytes(_SIZE_BYTES, "big"), end))


def _read(stamped: bytes, end: bytes) -> tuple[bytes, object]:
    """Return what is before a block at the end, and the block; {} where there is none."""
    if not stamped.endswith(end):
        return stamped, {}
    at = len(stamped) - len(end) - _SIZE_BYTES
    size = int.from_bytes(stamped[max(at, 0) : at + _SIZE_BYTES], "big")
    begin = max(at - size, 0)
    try:
        return stamped[:begin], json.loads(stamped[begin : max(at, 0)])
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"what is said of a function cannot be read: {error}") from error
