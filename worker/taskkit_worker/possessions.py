"""What this worker has, as it tells the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from importlib.metadata import Distribution, distributions

from taskkit.protocol.needs import canonical


def packages(found: Iterable[Distribution] | None = None) -> dict[str, str]:
    """Return the versions of the packages that are installed here, by canonical name, sorted.

    Of two of one name, the first on `sys.path` is the one that is imported.
    """
    versions: dict[str, str] = {}
    for one in distributions() if found is None else found:
        name = one.metadata["Name"]  # None where somebody has left half of a distribution
        if name and one.version:
            versions.setdefault(canonical(name), one.version)
    return dict(sorted(versions.items()))


def digest_of(packages: Mapping[str, str]) -> str:
    """Return what workers of one image share, so that the ledger keeps their packages once."""
    return sha256(json.dumps(sorted(packages.items())).encode()).hexdigest()[:32]
