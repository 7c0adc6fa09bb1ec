"""What a function needs, behind its pickle: a worker reads it before it loads anything.

A pickle ends where it says so, and what comes after it is passed over: by workers of an older
release, too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..protocol.errors import DecodeError

_END = b"taskkit-needs:1\n"
_SIZE_BYTES = 4


def stamped(pickled: bytes, packages: Mapping[str, str]) -> bytes:
    """Return a function's pickle with what it needs: specifiers of PEP 440 by distribution."""
    if not packages:
        return pickled
    text = json.dumps(dict(sorted(packages.items())), separators=(",", ":")).encode()
    return b"".join((pickled, text, len(text).to_bytes(_SIZE_BYTES, "big"), _END))


def packages_of(stamped: bytes) -> dict[str, str]:
    """Return what a function needs; nothing where that is not said.

    Raises:
        DecodeError: What is said cannot be read.
    """
    if not stamped.endswith(_END):
        return {}
    at = len(stamped) - len(_END) - _SIZE_BYTES
    size = int.from_bytes(stamped[max(at, 0) : at + _SIZE_BYTES], "big")
    try:
        match json.loads(stamped[max(at - size, 0) : max(at, 0)]):
            case dict(packages) if all(isinstance(spec, str) for spec in packages.values()):
                return packages
    except (ValueError, RecursionError) as error:
        raise DecodeError(f"what a function needs cannot be read: {error}") from error
    raise DecodeError("what a function needs is no list of packages")
