"""What is installed in this environment, by the heads of its metadata.

`importlib.metadata` parses a whole description, as an e-mail, to tell a name: 200 ms for the 280
packages of an environment, of which 20 are needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions

from ..protocol.needs import canonical

_FILES = ("METADATA", "PKG-INFO", "")
"""Of a wheel, of what older tools have installed, and of an egg that is a file alone."""

_HEAD = re.compile(r"^(Name|Version):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
"""Source: "Core metadata specifications"; what describes a package follows an empty line."""


def named(found: Distribution) -> tuple[str, str]:
    """Return name and version of a distribution as it writes them, "" for what it does not say."""
    text = next(filter(None, map(found.read_text, _FILES)), "")
    head = dict(_HEAD.findall(text.partition("\n\n")[0]))
    return head.get("Name", ""), head.get("Version", "")


@lru_cache(maxsize=1024)
def version_of(name: str) -> str:
    """Return the version of a distribution; "" where it is not installed.

    Of a process: what it has imported stays as it is.
    """
    try:
        return named(distribution(name))[1]
    except (PackageNotFoundError, ValueError):
        return ""


def installed(found: Iterable[Distribution] | None = None) -> dict[str, str]:
    """Return the versions of what is installed here, by canonical name, sorted.

    Of two of one name, the first on `sys.path` is the one that is imported.
    """
    versions: dict[str, str] = {}
    for one in distributions() if found is None else found:
        name, version = named(one)
        if name and version:  # somebody may have left half of a distribution
            versions.setdefault(canonical(name), version)
    return dict(sorted(versions.items()))
