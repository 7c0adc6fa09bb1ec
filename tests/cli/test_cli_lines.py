"""Cells in columns: they fit, or it is said that they are cut."""

from __future__ import annotations

import doctest

import pytest
from rich.text import Text

from taskkit.cli import exits, ids, lines, spans, stream
from taskkit.cli.lines import Column, bar, clean, grid, plain_grid

COLUMNS = (
    Column(heading="id"),
    Column(heading="name", least=6),
    Column(heading="took", is_right=True),
    Column(heading="host", is_spare=True),
    Column(heading="note", least=5),
)
ROWS = [
    ("3f2a9c1e", "simulate", "3 s", "lab", "no convergence"),
    ("77b10a2c", "图像处理机", "12 s", "", ""),
]


def texts(width: int) -> list[str]:
    return [line.plain for line in grid(COLUMNS, ROWS, width)]


def test_a_grid_is_as_wide_as_what_is_in_it() -> None:
    """Numbers end where their heading ends; a wide character takes two columns."""
    assert texts(200) == [
        "id        name        took  host  note",
        "─" * 48,
        "3f2a9c1e  simulate     3 s  lab   no convergence",
        "77b10a2c  图像处理机  12 s",
    ]


@pytest.mark.parametrize("width", range(20, 60))
def test_no_line_of_a_grid_is_wider_than_it_may_be(width: int) -> None:
    """Whatever there is room for; an ellipsis says that something is cut."""
    shown = grid(COLUMNS, ROWS, width)
    assert max(line.cell_len for line in shown) <= width
    assert ("…" in shown[2].plain) == (width < 42)


def test_the_last_columns_become_narrow_first_and_a_spare_one_goes() -> None:
    """An id is never cut as long as anything else can be."""
    assert texts(36)[0].split() == ["id", "name", "took", "note"]
    assert texts(36)[2] == "3f2a9c1e  simulate     3 s  no conv…"
    assert texts(29)[2].startswith("3f2a9c1e  simul…   3 s  no c…")


def test_a_column_without_content_is_left_out() -> None:
    """Its heading would only ask for what is not there."""
    assert grid(COLUMNS, [("3f2a9c1e", "fit", "", "", "")], 80)[0].plain == "id        name"


def test_a_pipe_gets_all_of_it_and_a_mark_for_nothing() -> None:
    """So that `awk` finds the same columns in each line."""
    rows = [("3f2a9c1e", "fit", "", "", Text("x" * 300, style="red"))]
    head, line = plain_grid(COLUMNS, rows)
    assert head.split() == ["id", "name", "took", "host", "note"]
    assert line.split() == ["3f2a9c1e", "fit", "-", "-", "x" * 300]


def test_words_of_users_control_no_terminal() -> None:
    """Neither by escape sequences nor by lines."""
    assert clean("a\x1b[2Jb\n\x07c\N{NO-BREAK SPACE}d") == "ab c d"


@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.999, 1.0])
def test_a_bar_is_full_only_when_all_is_done(fraction: float) -> None:
    """Its filled part is rounded down."""
    drawn = bar(fraction, 10, "cyan")
    filled = int(fraction * 10)
    assert drawn.plain == "━" * filled + "─" * (10 - filled)


def test_the_examples_in_the_docstrings_run() -> None:
    """As they are written."""
    for module in (lines, exits, ids, spans, stream):
        ran = doctest.testmod(module)
        assert (ran.attempted > 0, ran.failed) == (True, 0), module.__name__
