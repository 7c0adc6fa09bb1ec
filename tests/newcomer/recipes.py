"""What docs/contributing.md has a newcomer do, done as it is written there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Change:
    """What a file gets: all of it, where it is new, or lines beside those that are there."""

    path: str
    kind: str
    #: What the fence says: `python` is a whole new file, `diff` a change.
    text: str


def changes(page: str) -> list[Change]:
    """Return the changes of a page, in its order: fences below a heading that is a file's path."""
    found = []
    for section in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        path, _, body = section.partition("\n")
        body = re.split(r"^#+ ", body, maxsplit=1, flags=re.MULTILINE)[0]
        for kind, text in re.findall(r"^```(\w+)\n(.*?)^```$", body, re.MULTILINE | re.DOTALL):
            found.append(Change(path.strip(), kind, text))
    return found


def apply(change: Change, root: Path) -> None:
    """Make one change.

    Raises:
        ValueError: The page is out of date: the file is there already, or what it changes is not,
            or not once.
    """
    file = root / change.path
    if change.kind == "python":
        if file.exists():
            raise ValueError(f"{change.path} is there already")
        file.parent.mkdir(exist_ok=True)
        file.write_text(change.text, encoding="utf-8")
        return
    lines = [(line[:1], line[1:]) for line in change.text.splitlines(keepends=True)]
    before = "".join(text for sign, text in lines if sign in " -")
    after = "".join(text for sign, text in lines if sign in " +")
    known = file.read_text(encoding="utf-8")
    if known.count(before) != 1:
        raise ValueError(f"{change.path} has {known.count(before)} times:\n{before}")
    file.write_text(known.replace(before, after), encoding="utf-8")
