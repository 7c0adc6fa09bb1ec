"""What a terminal leaves of printed text: rewritten lines, a cursor that moves, erased parts.

A terminal without a right edge, `SCREEN_ROWS` high: what has scrolled off its top stays as it is.
One character takes one column: of wide ones, only what overwrites a part of a line may be off.
"""

from __future__ import annotations

import re

from .ansi import CONTROLS, ESCAPES
from .row import Row
from .sgr import PLAIN, Style, linked, restyled

SCREEN_ROWS = 50
"""So far up a cursor can go; more than any set of progress bars is high."""

TAB = 8

STRING_CHARS = 1_000
"""Of a longer string sequence, what has come is shown until its end comes too."""

_TOKENS = re.compile(rf"(?P<text>[^{CONTROLS}]+)|(?P<move>[\r\b\t])|{ESCAPES.pattern}|[{CONTROLS}]")
_CONTROL = re.compile(rf"[{CONTROLS}]")
_UNENDED = re.compile(rf"(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^{CONTROLS}]*\x1b?\Z")
"""A string sequence whose end has not come yet."""


class Screen:
    """Rows and a cursor.

    >>> screen = Screen(columns=80)
    >>> screen.write("10%\\r50%\\ndone")
    >>> [row.text for row in screen.rows]
    ['50%', 'done']
    """

    def __init__(self, columns: int, style: Style = PLAIN) -> None:
        self._columns = columns
        #: What is written further right is counted, not kept.
        self.rows = [Row()]
        self._x = 0
        self._y = 0
        self._style = style

    def write(self, text: str) -> None:
        """Take what a job printed. Its line ends begin a line, as a terminal driver has it."""
        unended = _UNENDED.search(text, max(0, len(text) - STRING_CHARS))
        if unended:
            text = text[: unended.start()]
        text = text.replace("\r\n", "\n").replace("\v", "\n").replace("\f", "\n")
        first, *others = text.split("\n")
        self._line(first)
        for line in others:
            self._next_line()
            self._line(line)

    def _line(self, line: str) -> None:
        if not line:
            return
        if _CONTROL.search(line) is None:
            self._put(line)
            return
        for token in _TOKENS.finditer(line):
            match token.lastgroup:
                case "text":
                    self._put(token[0])
                case "move":
                    self._move(token[0])
                case "final" if not token["between"]:
                    self._control(token["final"], token["codes"])
                case "command":
                    self._style = linked(self._style, token["command"])

    def _put(self, text: str) -> None:
        at = self._x
        self._x += len(text)
        if at < self._columns:
            self.rows[self._y].write(at, text[: self._columns - at], self._style)

    def _next_line(self) -> None:
        """Go on in the next line. A link that was not ended is taken to end here."""
        self._x = 0
        self._y += 1
        if self._y == len(self.rows):
            self.rows.append(Row())
        if self._style.link:
            self._style = self._style._replace(link="")

    def _move(self, key: str) -> None:
        match key:
            case "\r":
                self._x = 0
            case "\b":
                self._x = max(0, self._x - 1)
            case "\t":
                self._x += TAB - self._x % TAB

    def _control(self, final: str, codes: str) -> None:
        """Do what a control sequence says. Source: ECMA-48, 8.3."""
        if final == "m":
            self._style = restyled(self._style, codes)
            return
        numbers = [_number(code) for code in codes.split(";")[:2]]
        first = numbers[0]
        if first is None:
            return
        match final:
            case "A" | "B" | "E" | "F":
                count = max(1, first)
                self._go(self._y - count if final in "AF" else self._y + count)
                self._x = self._x if final in "AB" else 0
            case "C":
                self._x = max(self._x, min(self._columns, self._x + max(1, first)))
            case "D":
                self._x = max(0, self._x - max(1, first))
            case "G":
                self._x = min(self._columns, max(1, first) - 1)
            case "H" | "f":
                column = numbers[1] if len(numbers) > 1 else 1
                self._go(self._top + max(1, first) - 1)
                self._x = min(self._columns, max(1, column or 1) - 1)
            case "d":
                self._go(self._top + max(1, first) - 1)
            case "K":
                self._erase_in_row(first)
            case "J":
                self._erase_in_screen(first)

    @property
    def _top(self) -> int:
        return max(0, len(self.rows) - SCREEN_ROWS)

    def _go(self, y: int) -> None:
        """Go to a row of the screen, however far the cursor is told to go."""
        top = self._top
        self._y = min(max(y, top), top + SCREEN_ROWS - 1)
        while len(self.rows) <= self._y:
            self.rows.append(Row())

    def _erase_in_row(self, which: int) -> None:
        row = self.rows[self._y]
        match which:
            case 0:
                row.cut(self._x)
            case 1:
                end = min(self._x + 1, len(row.text))
                row.write(0, " " * end, PLAIN)
            case 2:
                row.cut(0)

    def _erase_in_screen(self, which: int) -> None:
        match which:
            case 0:
                erased = self.rows[self._y + 1 :]
            case 1:
                erased = self.rows[self._top : self._y]
            case 2 | 3:
                erased = self.rows[self._top :]
            case _:
                return
        for row in erased:
            row.cut(0)
        self._erase_in_row(which)
        if which == 3:
            # What has scrolled off the screen goes too.
            top = self._top
            del self.rows[:top]
            self._y -= top


def _number(code: str) -> int | None:
    """Return a number, 0 for none; None where it is no number. So large that no larger matters."""
    if not code:
        return 0
    return int(code[:4]) if code.isdecimal() else None
