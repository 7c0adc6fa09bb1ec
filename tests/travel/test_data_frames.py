"""The beginning of a data frame, as text that nobody has to trust."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from taskkit.protocol.jobs import Table
from taskkit.travel.tables import COLUMNS, ROWS, table_of


def test_a_frame_is_told_by_its_beginning() -> None:
    """With its index, and how large it is in all; numbers to six digits."""
    frame = pd.DataFrame({"x": np.arange(100) / 3, "name": ["ä"] * 100})
    assert table_of(frame) == Table(
        columns=("", "x", "name"),
        rows=tuple((str(n), f"{n / 3:.6g}", "ä") for n in range(ROWS)),
        all_columns=2,
        all_rows=100,
    )


def test_a_wide_frame_is_cut() -> None:
    """So are long cells; line ends would break the row."""
    frame = pd.DataFrame({f"c{n}": ["line\nline " * 20] for n in range(30)})
    table = table_of(frame)
    assert table is not None
    assert len(table.columns) == len(table.rows[0]) == COLUMNS + 1
    assert (table.all_columns, table.all_rows) == (30, 1)
    assert table.rows[0][1] == "line line line line line line line line…"


@pytest.mark.parametrize(
    "frame",
    [
        pd.Series([1.5, 2.5], name="s"),
        pd.DataFrame(),
        pd.DataFrame({"x": []}),
        pd.DataFrame({"x": [None, pd.NaT, pd.NA]}),
        pd.DataFrame([[1, 2]], columns=["same", "same"]),
        pd.DataFrame({("a", 1): [1]}, index=pd.MultiIndex.from_tuples([("i", "j")])),
        pd.DataFrame({"t": pd.date_range("2026-01-01", periods=3, tz="UTC")}),
        pd.DataFrame({"c": pd.Categorical(["u", "v"])}).set_index("c"),
    ],
    ids=["series", "empty", "no rows", "missing", "same names", "levels", "times", "named index"],
)
def test_every_frame_has_a_table(frame: pd.DataFrame | pd.Series) -> None:
    """Each row as long as its head."""
    table = table_of(frame)
    assert table is not None
    assert {len(row) for row in table.rows} <= {len(table.columns)}
    assert table.all_rows == len(frame)


def test_a_cell_that_cannot_be_told_costs_the_table_only() -> None:
    """The result is worth more than its preview."""

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

    assert table_of(pd.DataFrame({"x": [Broken()]})) is None
    assert table_of([[1, 2]]) is None


def test_looking_for_frames_imports_nothing() -> None:
    """A process that has none does without pandas."""
    code = (
        "import sys; from taskkit.travel.tables import table_of\n"
        "assert table_of([1]) is None; assert 'pandas' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
