"""A job's output as it comes: what is new of it, and what of that a terminal or a file takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from ..panels.ansi import ESCAPES
from ..panels.job_card import past_text
from ..panels.screen import Screen
from ..protocol.jobs import OUTPUT_TAIL_CHARS, JobRecord

_TAKEN = frozenset("ABCDEFGHJKdfm")
"""What a control sequence may do: move within the screen, erase, colour. Nothing that outlasts the
job, as a hidden cursor or another screen would, and no strings, which set titles and clipboards."""

_OPEN = re.compile(
    r"(?:\x1b(?:\[[0-?]*[ -/]*|[ -/]*|[\]PX^_][^\x07\x1b\x9c\n]*\x1b?)"
    r"|\x9b[0-?]*[ -/]*|[\x90\x98\x9d-\x9f][^\x07\x1b\x9c\n]*\x1b?)\Z"
)
"""A sequence whose end may be still to come. Source: as `panels.ansi.ESCAPES`."""

_MOST_OPEN = 1_000
_CONTROLS = re.compile(r"(?![\n\t\r\b])[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some output, or what is to be said between."""

    text: str
    is_note: bool = False


class Reader:
    """Tells what each record of a job has that those before had not."""

    def __init__(self) -> None:
        self._seq = -1
        self._attempt = 0
        self._read = 0
        #: How many characters of the attempt's output were told, or are lost.
        self._pasts = 0

    def take(self, record: JobRecord) -> list[Piece]:
        """Return what is new; of a record older than one before, nothing."""
        if record.seq < self._seq:
            return []
        self._seq = record.seq
        ended = record.past_attempts[self._pasts :]
        self._pasts = len(record.past_attempts)
        notes = [Piece(past_text(past), is_note=True) for past in ended]
        if record.attempt == self._attempt:
            return [*self._output(record), *notes]
        self._attempt, self._read = record.attempt, 0
        return [*notes, *self._output(record)]

    def _output(self, record: JobRecord) -> list[Piece]:
        whole = record.output_dropped_chars + len(record.output)
        new, self._read = whole - self._read, whole
        if new <= 0:
            return []
        lost = new - len(record.output)
        if lost <= 0:
            return [Piece(record.output[-new:])]
        # What is left of a line that was cut, perhaps within an escape sequence, says nothing.
        cut, _, rest = record.output.partition("\n")
        text = rest or cut
        return [
            Piece(
                f"{new - len(text):,} characters before this are not kept any more", is_note=True
            ),
            Piece(text),
        ]


class Sink(Protocol):
    """Makes of output what can be written."""

    def take(self, text: str) -> str:
        """Return what can be written by now."""

    def rest(self) -> str:
        """Return what was held back, at the end."""


class ForTerminal:
    """Leaves colours and what moves the cursor, so that bars are drawn anew where they are.

    >>> ForTerminal().take("\\x1b[32mdone\\x1b[0m\\x1b]0;a title\\x07")
    '\\x1b[32mdone\\x1b[0m'
    """

    def __init__(self) -> None:
        self._held = ""

    def take(self, text: str) -> str:
        """See `Sink`."""
        text = self._held + text
        unended = _OPEN.search(text, max(0, len(text) - _MOST_OPEN))
        at = unended.start() if unended else len(text)
        self._held = text[at:]
        return harmless(text[:at])

    def rest(self) -> str:
        """See `Sink`."""
        held, self._held = self._held, ""
        return harmless(held) + "\x1b[0m"


class ForFile:
    """Makes whole lines of it, as a terminal would leave them.

    >>> ForFile().take("10 %\\r50 %\\r100 %\\n\\x1b[1mdone\\x1b[0m\\n")
    '100 %\\ndone\\n'
    """

    def __init__(self) -> None:
        self._held = ""

    def take(self, text: str) -> str:
        """See `Sink`."""
        lines, _, self._held = (self._held + text).rpartition("\n")
        return _left(lines) + "\n" if lines or text.endswith("\n") else ""

    def rest(self) -> str:
        """See `Sink`."""
        held, self._held = self._held, ""
        return _left(held) + "\n" if held else ""


def harmless(text: str) -> str:
    """Return text with no more control over a terminal than a job's output should have."""
    kept, at = [], 0
    for token in ESCAPES.finditer(text):
        kept.append(_CONTROLS.sub("", text[at : token.start()]))
        codes = token["codes"] or ""
        if token["final"] in _TAKEN and not token["between"] and codes[:1] not in set("<=>?"):
            kept.append(f"\x1b[{codes}{token['final']}")
        at = token.end()
    kept.append(_CONTROLS.sub("", text[at:]))
    return "".join(kept)


def _left(text: str) -> str:
    screen = Screen(OUTPUT_TAIL_CHARS)
    screen.write(text)
    return "\n".join(row.text.rstrip() for row in screen.rows)
