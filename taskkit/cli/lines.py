"""Lines of a terminal: cells in columns, bars, and text that fits or is said to be cut."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from ..panels.ansi import plain
from ..panels.figures import SPACE
from ..panels.markup import one_line
from ..panels.style import LOOKS
from ..protocol.jobs import JobState
from .terminal import console

COLOURS = {
    JobState.QUEUED: "dim",
    JobState.RUNNING: "cyan",
    JobState.SUCCEEDED: "green",
    JobState.FAILED: "red",
    JobState.CANCELLED: "dim",
}

GAP = 2
"""Blanks between columns, and before the first in a terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a grid."""

    heading: str
    is_right: bool = False
    least: int | None = None
    #: How narrow it may become where there is not room for all; None for never.
    is_spare: bool = False
    #: Whether it goes where there is not room for all.


Row = Sequence[Text | str]

UNDER = "        ╰ "
"""What leads from a row to what is below it."""


def clean(text: str, chars: int = 300) -> str:
    """Return words of the user's in one line, whatever they hold."""
    return one_line(plain(text).replace(SPACE, " "), chars)


def sign(state: JobState) -> Text:
    """Return a state's sign and word."""
    look = LOOKS[state]
    return Text(f"{look.sign} {look.word}", style=COLOURS[state])


def bar(fraction: float | None, width: int, style: str) -> Text:
    """Return a bar of which a fraction is filled, also without colours; None for an unknown one.

    >>> bar(0.5, 4, "cyan").plain, bar(None, 4, "cyan").plain
    ('━━──', '╌╌╌╌')
    """
    if fraction is None:
        return Text("╌" * width, style="dim")
    filled = int(fraction * width + 1e-9)
    return Text.assemble(("━" * filled, style), ("─" * (width - filled), "dim"))


def grid(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[Text]:
    """Return headings, a rule and rows, none of them wider than `width`.

    Columns without content are left out, then those that can be spared, then the last ones of those
    that may be narrower are.
    """
    cells = [[_text(cell) for cell in row] for row in rows]
    kept = [n for n in range(len(columns)) if any(row[n].plain for row in cells)]
    if _total(widths := _natural(columns, cells, kept)) > width:
        kept = [n for n in kept if not columns[n].is_spare]
        widths = _natural(columns, cells, kept)
    for place in reversed(range(len(kept))):
        least = columns[kept[place]].least
        if least is not None:
            over = max(0, _total(widths) - width)
            widths[place] = max(min(least, widths[place]), widths[place] - over)
    head = [Text(columns[n].heading, style="dim") for n in kept]
    lines = [_line(columns, kept, widths, head), Text("─" * _total(widths), style="dim")]
    lines += [_line(columns, kept, widths, [row[n] for n in kept]) for row in cells]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return lines


def plain_grid(columns: Sequence[Column], rows: Sequence[Row]) -> list[str]:
    """Return headings and rows for other programs: all of it, and ``-`` for what is empty."""
    texts = [[column.heading for column in columns]]
    texts += [[_text(cell).plain or "-" for cell in row] for row in rows]
    widths = [max(cell_len(row[n]) for row in texts) for n in range(len(columns))]
    return [
        (" " * GAP).join(set_cell_size(*each) for each in zip(row, widths, strict=True)).rstrip()
        for row in texts
    ]


def show_grid(
    columns: Sequence[Column], rows: Sequence[Row], beneath: Sequence[Text | None] = ()
) -> None:
    """Print a grid: to fit the terminal, or, into a pipe, as it is.

    `beneath` is what a terminal shows below each row, where there is something.
    """
    if not console.is_terminal:
        for text in plain_grid(columns, rows):
            console.print(Text(text))
        return
    width = console.width - 2 * GAP
    head, rule, *lines = grid(columns, rows, width)
    console.print()
    show([head, rule])
    for line, more in zip_longest(lines, beneath):
        show([line])
        if more is not None:
            more.truncate(width - len(UNDER), overflow="ellipsis")
            show([Text.assemble((UNDER, "dim"), more)])
    console.print()


def show(lines: Iterable[Text], indent: int = GAP) -> None:
    """Print lines; in a terminal, wrapped between words and indented alike."""
    for line in lines:
        if not console.is_terminal:
            console.print(line)
            continue
        for part in line.wrap(console, max(20, console.width - 2 * indent)) or [line]:
            part.rstrip()
            console.print(Text(" " * indent).append_text(part) if part else part)


def _text(cell: Text | str) -> Text:
    return cell if isinstance(cell, Text) else Text(cell)


def _natural(
    columns: Sequence[Column], cells: Sequence[Sequence[Text]], kept: Sequence[int]
) -> list[int]:
    return [
        max(len(columns[n].heading), *(row[n].cell_len for row in cells), 0) if cells else 0
        for n in kept
    ]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * max(0, len(widths) - 1)


def _line(
    columns: Sequence[Column], kept: Sequence[int], widths: Sequence[int], cells: Sequence[Text]
) -> Text:
    line = Text()
    for place, (n, width, cell) in enumerate(zip(kept, widths, cells, strict=True)):
        if place:
            line.append(" " * GAP)
        fitted = cell.copy()
        fitted.truncate(width, overflow="ellipsis")
        blank = Text(" " * (width - fitted.cell_len))
        first, second = (blank, fitted) if columns[n].is_right else (fitted, blank)
        line.append_text(first).append_text(second)
    line.rstrip()
    return line
