"""The packages of this environment beside those of the workers'."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..client.misfit import series

MOST_NAMED = 4

Packages = Mapping[str, str]
"""Versions by name."""


def differing(here: Packages, there: Iterable[Packages]) -> list[str]:
    """Return which packages both sides have in versions that do not go together, in words.

    What only one side has tells nothing: a worker needs no JupyterLab.

    >>> differing({"numpy": "2.1.0", "scipy": "1.9"}, [{"numpy": "1.26.4"}, {"scipy": "1.15"}])
    ['numpy 2.1.0 here, 1.26.4 there']
    """
    others: dict[str, set[str]] = {}
    for packages in there:
        for name, version in packages.items():
            mine = here.get(name)
            if mine is not None and mine != version and series(mine) != series(version):
                others.setdefault(name, set()).add(version)
    return [
        f"{name} {here[name]} here, {' and '.join(sorted(versions))} there"
        for name, versions in sorted(others.items())
    ]


def listed(words: list[str]) -> str:
    """Return the first of them as one text."""
    more = len(words) - MOST_NAMED
    return "; ".join(words[:MOST_NAMED]) + (f"; and {more} more" if more > 0 else "")
