"""The beginning of a data frame, to be seen before the result is fetched."""

from __future__ import annotations

import sys
from typing import Any

from ..protocol.jobs import Table
from .values import readable

ROWS, COLUMNS = 6, 8
"""So much of it is shown."""

CELL_CHARS = 40


def table_of(value: object) -> Table | None:
    """Return the beginning of a frame or series of pandas; None of anything else."""
    # Whoever has made one has imported it.
    pandas: Any = sys.modules.get("pandas")
    try:
        if pandas is None or not isinstance(value, pandas.DataFrame | pandas.Series):
            return None
        frame: Any = value.to_frame() if isinstance(value, pandas.Series) else value
        shown = frame.iloc[:ROWS, :COLUMNS]
        rows = zip(shown.index, *(shown.iloc[:, n] for n in range(shown.shape[1])), strict=True)
        return Table(
            columns=tuple(map(_text, (shown.index.name or "", *shown.columns))),
            rows=tuple(tuple(map(_text, row)) for row in rows),
            all_columns=frame.shape[1],
            all_rows=frame.shape[0],
        )
    except Exception:  # noqa: BLE001  # the edge around user code: of cells, and of subclasses
        return None


def _text(cell: object) -> str:
    text = f"{cell:.6g}" if isinstance(cell, float) else str(cell)
    line = readable(" ".join(text.split()))
    return line if len(line) <= CELL_CHARS else line[: CELL_CHARS - 1] + "…"
