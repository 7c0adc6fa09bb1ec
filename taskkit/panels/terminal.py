"""What a terminal leaves of printed text, as far as it is asked for.

Most of what is printed never goes back to another line. Then the last lines are had without the
others, which makes a redraw of a long log about four times as fast.
"""

from __future__ import annotations

import re

from .ansi import ESCAPES
from .row import Row
from .screen import Screen
from .sgr import PLAIN, Style, restyled

SPARE = 8
"""So many lines at the end may turn out to be blank, of codes alone."""

_TO_ANOTHER_LINE = re.compile(r"[\x1b\x9b]\[?[0-?]*[ABEFHJdf]")


def last_rows(text: str, columns: int, most: int) -> tuple[list[Row], int]:
    """Return at most `most` rows that are left of printed text, and how many are above them.

    Blank rows at the end are none.
    """
    head, tail = "", text
    if _has_own_lines(text):
        head, tail = _parted(text.rstrip("\r\n"), most + SPARE)
    rows = _left(tail, columns, _carried(head))
    if head and len(rows) < most:
        head, rows = "", _left(text, columns, PLAIN)
    found = rows[-most:]
    return found, head.count("\n") + len(rows) - len(found)


def _has_own_lines(text: str) -> bool:
    """Return whether no line touches another one, so that the last ones can be had alone."""
    if "\v" in text or "\f" in text:
        return False
    is_escaped = "\x1b" in text or "\x9b" in text
    return not is_escaped or _TO_ANOTHER_LINE.search(text) is None


def _parted(text: str, most: int) -> tuple[str, str]:
    """Return what is before the last `most` lines, and these."""
    at = len(text)
    for _ in range(most):
        at = text.rfind("\n", 0, at)
        if at < 0:
            return "", text
    return text[: at + 1], text[at + 1 :]


def _carried(text: str) -> Style:
    """Return how a text leaves the style."""
    style = PLAIN
    if "\x1b" in text or "\x9b" in text:
        # The last reset, if it is written as it mostly is, makes an end of all before.
        reset = max(0, text.rfind("\x1b[0m"), text.rfind("\x1b[m"))
        for token in ESCAPES.finditer(text, reset):
            if token["final"] == "m" and not token["between"]:
                style = restyled(style, token["codes"])
    return style


def _left(text: str, columns: int, style: Style) -> list[Row]:
    screen = Screen(columns, style)
    screen.write(text)
    last = len(screen.rows)
    while last and screen.rows[last - 1].is_blank:
        last -= 1
    return screen.rows[:last]
