"""Print the entries of requirements.lock that a part of the project needs, for `pip install -r`.

    locked.py server
    locked.py worker --without numpy scikit-learn

The part is an extra of pyproject.toml, or `build`: what builds the project. Further names are of
packages that the lock has. Which package is there for which other one, uv has noted below each
(`# via`), so nothing is resolved anew and no registry is asked. An entry that another part alone
needs may be among them, where a package has extras: never one is missing.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path

ENTRY = re.compile(r"^(?P<name>[a-z0-9-]+)==", re.MULTILINE)
VIA = re.compile(r"^    #(?: via)?[ ]+(?P<name>[a-z0-9-]+)$", re.MULTILINE)


def entries(lock: str) -> dict[str, str]:
    """Return each package's entries, by its name; some have one for each Python."""
    found: dict[str, str] = {}
    begins = [*ENTRY.finditer(lock)]
    ends = [match.start() for match in begins[1:]] + [len(lock)]
    for match, end in zip(begins, ends, strict=True):
        found[match["name"]] = found.get(match["name"], "") + lock[match.start() : end]
    return found


def roots(project: dict[str, object], part: str) -> set[str]:
    """Return the packages that pyproject.toml itself names for a part."""
    if part == "build":
        told = project["build-system"]["requires"]  # type: ignore[index]
    else:
        table = project["project"]
        told = [*table["dependencies"], *table["optional-dependencies"][part]]  # type: ignore[index]
    return {canonical(re.split(r"[\[<>=~! ;]", one, maxsplit=1)[0]) for one in told}


def canonical(name: str) -> str:
    """Return a package's name as the lock writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(known: dict[str, str], names: set[str], without: set[str]) -> set[str]:
    """Return these packages and all that are there for them, and not for others alone."""
    found, waiting = set[str](), names - without
    while waiting:
        found |= waiting
        of_them = {name for name, entry in known.items() if found & set(VIA.findall(entry))}
        waiting = of_them - found - without
    return found


def main(argv: list[str] | None = None) -> None:
    """Print them in the lock's own order."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part")
    parser.add_argument("packages", nargs="*")
    parser.add_argument("--without", action="append", default=[], metavar="PACKAGE")
    parser.add_argument("--root", type=Path, default=Path(), help="where the two files are")
    told = parser.parse_args(argv)
    project = tomllib.loads((told.root / "pyproject.toml").read_text(encoding="utf-8"))
    known = entries((told.root / "requirements.lock").read_text(encoding="utf-8"))
    named = {canonical(name) for name in told.packages}
    without = {canonical(name) for name in told.without}
    if strangers := sorted((named | without) - known.keys()):
        sys.exit(f"locked.py: requirements.lock has no {', '.join(strangers)}")
    chosen = needed(known, named | roots(project, told.part), without)
    sys.stdout.write("".join(entry for name, entry in known.items() if name in chosen))


if __name__ == "__main__":
    main()
