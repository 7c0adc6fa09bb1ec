"""The project's docstrings, whose marks are few, as reStructuredText."""

from __future__ import annotations

import inspect
import re
from typing import Any

from sphinx.application import Sphinx

import taskkit

FOR_OTHERS = ("For the client.", "For a panel.")
"""How the docstring of a method ends that is public to taskkit's own parts alone."""

PARTS = frozenset({"accept", "changed_by", "connection", "content", "records", "watch"})
"""More of them, which panels need."""

NOT_MADE = frozenset({"taskkit.Batch", "taskkit.Job", "taskkit.JobState", "taskkit.Reference"})
"""Classes that users are given."""

_WORD = re.compile(r"(?<![`:\w])`(?P<text>[^`]+)`(?![`_])")
_OPTION = re.compile(r"(?P<names>[a-z_]+(?:, [a-z_]+)*): (?P<text>.*)")


def marked(text: str, names: frozenset[str] = frozenset()) -> str:
    """Return a line whose single backticks are code, or links to what is public.

    `names` are those of parameters, which may have the name of something public.

    >>> marked("Returns a `Job` of `task`.", frozenset({"task"}))
    'Returns a :py:obj:`~taskkit.Job` of ``task``.'
    """

    def mark(found: re.Match[str]) -> str:
        word = found["text"]
        is_public = word in taskkit.__all__ and word not in names
        return f":py:obj:`~taskkit.{word}`" if is_public else f"``{word}``"

    return _WORD.sub(mark, text)


def listed(lines: list[str], names: frozenset[str]) -> list[str]:
    """Return lines whose paragraphs ``name: what it means`` are items of a list.

    >>> listed(["Sends.", "key: its own,", "    for ever."], frozenset({"key"}))
    ['Sends.', '', '* **key**: its own,', '  for ever.']
    """
    made: list[str] = []
    is_within = False
    for line in lines:
        option = _OPTION.match(line)
        if option and names.issuperset(option["names"].split(", ")):
            if not is_within and made and made[-1]:
                made.append("")
            is_within = True
            bold = ", ".join(f"**{name}**" for name in option["names"].split(", "))
            made.append(f"* {bold}: {option['text']}")
        elif is_within and line.startswith("    "):
            made.append(f"  {line.strip()}")
        else:
            is_within = False
            made.append(line)
    return made


def read(
    _app: Sphinx, _what: str, _name: str, thing: object, _options: object, lines: list[str]
) -> None:
    """Change a docstring in place, as autodoc wants it, before napoleon has its turn."""
    names: frozenset[str] = frozenset()
    if inspect.isroutine(thing):
        names = frozenset(inspect.signature(thing).parameters)
    is_code = False
    made: list[str] = []
    for line in listed(lines, names):
        # What is indented behind `::` or `>>>` is meant as it stands.
        if line.rstrip().endswith("::"):
            is_code = True
        elif line and not line.startswith(" "):
            is_code = False
        is_example = line.lstrip().startswith((">>>", "..."))
        made.append(line if is_code or is_example else marked(line, names))
    lines[:] = made


def skip(
    _app: Sphinx, _what: str, name: str, thing: object, skipped: bool, _options: object
) -> bool | None:
    """Leave out what is for other parts of taskkit."""
    said = (inspect.getdoc(thing) or "").rstrip()
    is_for_others = said.endswith(FOR_OTHERS) or name in PARTS
    return True if skipped or is_for_others else None


def sign(
    _app: Sphinx, _what: str, name: str, _thing: object, _options: object, *told: str | None
) -> tuple[str | None, str | None]:
    """Leave out how a class is made that users do not make."""
    return ("", None) if name in NOT_MADE else (told[0], told[1])


def setup(app: Sphinx) -> dict[str, Any]:
    """Listen before napoleon, which reads the sections (`Raises:`)."""
    app.connect("autodoc-process-docstring", read, priority=400)
    app.connect("autodoc-process-signature", sign)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True}
