"""The end of what a job printed, as a terminal would show it."""

from __future__ import annotations

import re
from dataclasses import dataclass

LINES = 6
LINE_CHARS = 400

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Tail:
    """The last lines of an output."""

    lines: tuple[str, ...]
    above: int
    #: How many lines stand above them.
    is_more_above: bool
    #: Whether still more stood there, uncounted.


def tail(text: str, dropped_chars: int = 0) -> Tail:
    """Return the last `LINES` lines of `text`, before which `dropped_chars` characters are gone."""
    text = text.replace("\r\n", "\n").rstrip("\n")
    if not text:
        return Tail((), 0, dropped_chars > 0)
    head, *lines = text.rsplit("\n", LINES)
    above = head.count("\n") + 1 if len(lines) == LINES else 0
    if len(lines) < LINES:
        lines = [head, *lines]
    return Tail(tuple(fold(line) for line in lines), above, dropped_chars > 0)


def fold(line: str) -> str:
    """Return what a terminal leaves of one line: the last rewrite, without colours and controls."""
    rest = line
    while True:
        rest, is_split, last = rest.rpartition("\r")
        shown = _CONTROL.sub("", _ESCAPE.sub("", last))
        if shown.strip() or not is_split:
            return shown if len(shown) <= LINE_CHARS else shown[: LINE_CHARS - 1] + "…"
