"""The end of what a job printed, as a terminal would show it, in lines of HTML."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

from . import ansi
from .row import Row
from .terminal import last_rows

LINES = 6
LINES_ABOVE = 200
LINE_CHARS = 400

LINE_BYTES = 4_000
"""A line with so many colours that it would be longer is shown without them."""

ABOVE_BYTES = 24_000
"""With `LINES` lines of `LINE_BYTES`, what is kept of an output is below 48 kB of HTML."""

_CUT = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Tail:
    """The last lines of an output, each as HTML that stands for itself."""

    lines: tuple[str, ...]
    above: tuple[str, ...]
    #: Lines above these that can be had on demand.
    dropped: int
    #: How many lines stood above them still.
    is_more_above: bool
    #: Whether more stood there, uncounted.


def tail(text: str, dropped_chars: int = 0) -> Tail:
    """Return the last `LINES` lines of `text`, before which `dropped_chars` characters are gone."""
    if dropped_chars:
        text = _from_its_first_line(text)
    rows, dropped = last_rows(text, LINE_CHARS + 1, LINES + LINES_ABOVE)
    lines = tuple(map(_html, rows[-LINES:]))
    above: list[str] = []
    size = 0
    for row in reversed(rows[:-LINES]):
        line = _html(row)
        size += _bytes(line) + 1
        if size > ABOVE_BYTES:
            break
        above.append(line)
    dropped += len(rows) - len(lines) - len(above)
    return Tail(lines, tuple(reversed(above)), dropped, dropped_chars > 0)


def _from_its_first_line(text: str) -> str:
    """Leave out what is left of a line, perhaps of an escape sequence, that was cut."""
    cut = _CUT.search(text)
    return text[cut.end() :] if cut and text[cut.end() :].strip() else text


def _html(row: Row) -> str:
    spans = row.spans(LINE_CHARS)
    line = ansi.html(spans)
    if _bytes(line) <= LINE_BYTES:
        return line
    return escape("".join(text for text, _ in spans), quote=False)


def _bytes(line: str) -> int:
    return len(line) if line.isascii() else len(line.encode())
