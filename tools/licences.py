"""Write docs/licences.md: under which licences what a full installation of taskkit needs is given.

Read from the packages' metadata in ./.env. A licence that is not in `ALLOWED` is a failure, here
and in the tests: copyleft binds who ships the whole, and is to be decided on, not to slip in.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "licences.md"

ALLOWED = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "MIT", "MIT-0"),
    *("MIT-CMU", "PSF-2.0", "Python-2.0", "Unlicense", "Zlib"),
    # Binds changes to its own files alone.
    "MPL-2.0",
    # A BSD licence; which of them, the package does not say.
    "LicenseRef-BSD",
    # Permissive as BSD, of its own wording: Zope's and Repoze's, Matplotlib's.
    *("LicenseRef-Repoze", "LicenseRef-Matplotlib"),
}
"""By SPDX's names."""

DECIDED = {
    "scipy": "BSD-3-Clause",
    # Its wheels carry libgfortran and libquadmath, GPL with the exception for what is compiled by
    # GCC, which leaves users of the library free.
    "matplotlib": "LicenseRef-Matplotlib",
    "supervisor": "LicenseRef-Repoze",
    "python-dateutil": "Apache-2.0 OR BSD-3-Clause",
}
"""What was read in the packages that say it in no form that a program understands."""

WORDS = (
    (r"apache", "Apache-2.0"),
    (r"mozilla|mpl", "MPL-2.0"),
    (r"(bsd[ -]?3|3-clause|new bsd)", "BSD-3-Clause"),
    (r"(bsd[ -]?2|2-clause)", "BSD-2-Clause"),
    (r"\bisc\b", "ISC"),
    (r"python software foundation|psf", "PSF-2.0"),
    (r"\bmit\b", "MIT"),
    (r"bsd|redistribution and use in source and binary forms", "LicenseRef-BSD"),
)
"""What older packages write, and what it means; the first that fits. Of a text, its beginning."""

COPYLEFT = r"\b[al]?gpl|gnu (lesser|affero|library|general)"
"""Whatever else it says: somebody reads it, and writes into `DECIDED` what holds."""

TEXT = """\
# Licences

Written by `make licences`; what taskkit and each of its extras need, with what those need in turn,
and the licence that each package states. taskkit is [MIT](../LICENSE). Its page carries
two files of others (`server/taskkit_server/static/vendor`): MIT, and Apache 2.0.
No package here is under the GPL, LGPL or AGPL, and the tests refuse one
(`tests/release/test_licences.py`). scipy's and numpy's wheels bring GCC's runtime, whose exception
frees what is compiled by it. An extra that you do not install brings nothing.

| package | licence | needed by |
|---|---|---|
{rows}
"""


def extras() -> dict[str, list[str]]:
    """Return the requirements of each part of the project; the part of all is ``taskkit``."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {"taskkit": project["dependencies"], **project["optional-dependencies"]}


def needed() -> dict[str, list[str]]:
    """Return each package that a full installation has, and the parts that need it."""
    by: dict[str, list[str]] = {}
    for part, requirements in extras().items():
        for name in sorted(_closure(requirements)):
            by.setdefault(name, []).append(part)
    return by


def _closure(requirements: list[str]) -> set[str]:
    seen: set[tuple[str, str]] = set()
    waiting = [(Requirement(text), "") for text in requirements]
    while waiting:
        need, of_extra = waiting.pop()
        name = canonicalize_name(need.name)
        if name == "taskkit-notebook" or not _applies(need, of_extra):
            continue
        for extra in ("", *need.extras):
            if (name, extra) in seen:
                continue
            seen.add((name, extra))
            waiting += [(Requirement(text), extra) for text in _found(name).requires or ()]
    return {name for name, _ in seen}


def _applies(need: Requirement, extra: str) -> bool:
    return need.marker is None or need.marker.evaluate({"extra": extra})


def _found(name: str) -> Distribution:
    try:
        return distribution(name)
    except PackageNotFoundError:
        sys.exit(f"licences: {name} is not in ./.env: make env")


def licence(name: str) -> str:
    """Return an SPDX expression for what a package states; empty where it states nothing."""
    told = _found(name).metadata
    if name in DECIDED:
        return DECIDED[name]
    if expression := told.get("License-Expression"):
        return str(expression)
    classified = [
        text.rpartition(" :: ")[2]
        for text in told.get_all("Classifier", [])
        if text.startswith("License ::")
    ]
    free = (told.get("License") or "").strip()
    if re.search(COPYLEFT, " ".join((free[:80], *classified)), re.IGNORECASE):
        return "LicenseRef-GNU"
    for text in (free[:80], *classified, free[80:2000]):
        for pattern, meaning in WORDS:
            if re.search(pattern, text, re.IGNORECASE):
                return meaning
    return ""


def is_allowed(expression: str) -> bool:
    """Return whether a package may be used under an SPDX expression with what is in `ALLOWED`.

    >>> is_allowed("GPL-3.0-only OR (MIT AND Zlib)"), is_allowed("MIT AND LGPL-3.0-or-later")
    (True, False)
    """
    tokens = re.findall(r"\(|\)|[^\s()]+", expression)
    if not tokens:
        return False
    try:
        value = _any(tokens)
    except IndexError:  # it ends too early
        return False
    return value and not tokens


def _any(tokens: list[str]) -> bool:
    value = _all(tokens)
    while tokens and tokens[0].upper() == "OR":
        tokens.pop(0)
        value = _all(tokens) or value
    return value


def _all(tokens: list[str]) -> bool:
    value = _one(tokens)
    while tokens and tokens[0].upper() == "AND":
        tokens.pop(0)
        value = _one(tokens) and value
    return value


def _one(tokens: list[str]) -> bool:
    token = tokens.pop(0)
    if token != "(":
        return token in ALLOWED
    value = _any(tokens)
    return tokens.pop(0) == ")" and value


def refused() -> Iterator[str]:
    """Yield what is wrong, a line each."""
    for name, parts in needed().items():
        if not is_allowed(licence(name)):
            told = licence(name) or "a licence that it does not state"
            yield f"{name}, for {', '.join(parts)}, is under {told}"


def render() -> str:
    """Return the page."""
    rows = (
        f"| {name} | {licence(name)} | {', '.join(parts)} |"
        for name, parts in sorted(needed().items())
    )
    return TEXT.format(rows="\n".join(rows))


def main() -> None:
    """Write the page, or say what may not be used."""
    if faults := list(refused()):
        sys.exit("licences: not allowed: " + "; ".join(faults))
    PAGE.write_text(render(), encoding="utf-8")
    print(f"{len(needed())} packages in {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
