"""A traceback of the worker, in which the frames of libraries are folded.

It is text in Python's format, perhaps of another version and machine. Every character of it is
shown or can be opened: whatever is not surely a frame of a library is shown.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from .ansi import plain

MOST_CHARS = 20_000
"""Of a longer traceback the end is shown, where the error is."""

MOST_NAMES = 3

_FRAME = re.compile(r'(?P<margin>(?: *\| )?)  File "(?P<file>[^\n]*?)", line \d+, in ')
"""The margin is an exception group's. Without "in" it is where a syntax error lies: no frame."""

_REPEATED = re.compile(r" *(?:\| )?  \[Previous line repeated (\d+) more times?\]")
_INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\]([^/\\]+)")
_STANDARD = re.compile(
    r"(?:[/\\]lib(?:64)?[/\\](?:python|pypy)3[\d.t]*|\\Lib|[/\\]python3\d+\.zip)[/\\]([^/\\]+)"
)
_FROZEN = re.compile(r"<frozen ([\w.]+)>")


@dataclass(frozen=True, slots=True)
class Part:
    """Some lines of a traceback that are shown alike."""

    text: str
    folded: int = 0
    #: How many frames of libraries it is; 0 for what is shown.
    libraries: tuple[str, ...] = ()
    #: Whose frames they are, in their order.


def traceback_html(traceback: str) -> str:
    """Return a traceback as HTML: what is shown in ``<pre>``, what is folded in ``<details>``."""
    text = plain(traceback).rstrip()
    begin = ""
    if len(text) > MOST_CHARS:
        text = text[-MOST_CHARS:].partition("\n")[2] or text[-MOST_CHARS:]
        begin = "… (its beginning is left out)\n"
    html = []
    for part in (Part(begin), *parts(text)):
        lines = f'<pre class="tk-trace">{escape(part.text, quote=False)}</pre>'
        if part.folded:
            html.append(f"<details><summary>{escape(summary(part))}</summary>{lines}</details>")
        elif part.text:
            html.append(lines)
    return "".join(html)


def summary(part: Part) -> str:
    """Return what is folded, in words."""
    names = ", ".join(part.libraries[:MOST_NAMES])
    more = len(part.libraries) - MOST_NAMES
    end = f" and {more} more" if more > 0 else ""
    return f"… {part.folded:,} frame{'s' if part.folded > 1 else ''} in {names}{end}"


def parts(text: str) -> list[Part]:
    """Return a traceback in parts, which together are the text.

    One without a frame of the user is one part: its last frames are all that says where it failed.
    """
    found: list[Part] = []
    has_user_frame = False
    for lines, file in _pieces(text.splitlines(keepends=True)):
        library = library_of(file) if file is not None else ""
        has_user_frame |= file is not None and not library
        part = Part("".join(lines), _count(lines) if library else 0, (library,) if library else ())
        if found and bool(found[-1].folded) == bool(part.folded):
            part = _joined(found.pop(), part)
        found.append(part)
    return found if has_user_frame else [Part(text)]


def library_of(file: str) -> str:
    """Return the name of the library that a file belongs to, empty for the user's own.

    >>> library_of("/env/lib/python3.12/site-packages/sklearn/base.py")
    'sklearn'
    >>> library_of("/usr/lib/python3.12/json/decoder.py"), library_of("<frozen runpy>")
    ('json', 'runpy')
    >>> library_of("/home/me/lib/model.py")
    ''
    """
    installed = _INSTALLED.search(file)
    if installed:
        return installed[1].removesuffix(".py")
    frozen = _FROZEN.fullmatch(file)
    if frozen:
        return frozen[1].partition(".")[0]
    standard = _STANDARD.search(file)
    name = standard[1].removesuffix(".py") if standard else ""
    return name if name in sys.stdlib_module_names else ""


def _pieces(lines: list[str]) -> Iterator[tuple[list[str], str | None]]:
    """Yield frames, each with its file, and the lines between them one by one."""
    at = 0
    while at < len(lines):
        frame = _FRAME.match(lines[at])
        end = at + 1
        if frame:
            end = _end(lines, end, frame["margin"])
        yield lines[at:end], frame["file"] if frame else None
        at = end


def _end(lines: list[str], at: int, margin: str) -> int:
    """Return where a frame ends: source, marks and repetitions are its own, further right."""
    while at < len(lines):
        # Between lines of one statement may be blank ones.
        far = at
        while far < len(lines) and lines[far].strip(" |\n") == "":
            far += 1
        if far == len(lines):
            return at
        is_source = lines[far].startswith(f"{margin}    ")
        if not is_source and not (far == at and _REPEATED.match(lines[far])):
            return at
        at = far + 1
    return at


def _count(lines: list[str]) -> int:
    return 1 + sum(int(again[1]) for line in lines if (again := _REPEATED.match(line)))


def _joined(one: Part, other: Part) -> Part:
    names = dict.fromkeys((*one.libraries, *other.libraries))
    return Part(one.text + other.text, one.folded + other.folded, tuple(names))
