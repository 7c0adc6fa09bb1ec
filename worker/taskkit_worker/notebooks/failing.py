"""A cell that failed, as the error of the job."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from nbclient.exceptions import CellExecutionError

from taskkit.notebooks.reading import headline
from taskkit.protocol.errors import CellFailed

from ..limits import has_memory_limit

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")

_PLACE = re.compile(r"(?:Cell |Input )In\s?\[(\d+)\](?:, line (\d+)|, in <cell line: (\d+)>)")
"""Where a traceback of IPython's passes a cell. Source: IPython 8 and 9, `ultratb`."""

_MOST_LINE_CHARS = 120


class Place(NamedTuple):
    """Where a notebook is: in which cell."""

    name: str
    cell: Any
    number: int
    #: That of its ``In [ ]``, from 1.
    cells: int
    #: How many are run in all.

    def __str__(self) -> str:
        return f"cell {self.number} of {self.cells} of {self.name}"


def raised(place: Place, error: CellExecutionError, lines: Sequence[str]) -> CellFailed:
    """Return the error of a notebook, of which a cell has raised; with its traceback's lines."""
    traceback = _plain("\n".join(map(str, lines)))
    source, count = str(place.cell.source), place.cell.get("execution_count")
    what = f"{error.ename}: {error.evalue}" if error.evalue else str(error.ename)
    more = {"ename": str(error.ename), "evalue": str(error.evalue), "traceback": traceback}
    told = f"{place} raised {_plain(what)}{_of_memory(more['ename'])}"
    return _failed(f"{told}\n  in {_line(source, count, traceback)}", place, **more)


def died(place: Place, cause: str) -> CellFailed:
    """Return the error of a notebook whose kernel has died in a cell."""
    line = headline(str(place.cell.source), _MOST_LINE_CHARS)
    return _failed(f"the kernel died in {place}: {cause}\n  in: {line}", place)


def _failed(message: str, place: Place, **more: str) -> CellFailed:
    return CellFailed(message, cell=place.number, source=str(place.cell.source), **more)


def _line(source: str, count: int | None, traceback: str) -> str:
    """Return the line of a cell in which it failed; where that is not told, what says most."""
    lines = source.splitlines()
    places = [(int(of), int(a or b)) for of, a, b in _PLACE.findall(traceback)]
    for of, line in reversed(places):
        if of == count and 0 < line <= len(lines):
            return f"line {line}: {lines[line - 1].strip()[:_MOST_LINE_CHARS]}"
    return f"it: {headline(source, _MOST_LINE_CHARS)}"


def _of_memory(ename: str) -> str:
    """Return where a limit of memory comes from, of an error that may come of it."""
    is_why = "MemoryError" in ename and has_memory_limit()
    return " (the job's memory_mib is a limit)" if is_why else ""


def _plain(text: str) -> str:
    return _COLOURS.sub("", text)
