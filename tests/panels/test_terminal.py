"""What a terminal leaves of printed text."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from taskkit.panels.row import Row
from taskkit.panels.screen import SCREEN_ROWS
from taskkit.panels.sgr import PLAIN, Style
from taskkit.panels.terminal import last_rows

COLUMNS = 300

MOVES = st.builds(
    lambda count, final: f"\x1b[{count or ''}{final}",
    st.integers(0, 70),
    st.sampled_from("ABCDEFG"),
)
PLACES = st.builds(
    lambda row, column: f"\x1b[{row};{column}H", st.integers(0, 9), st.integers(0, 9)
)
ERASURES = st.builds(
    lambda which, final: f"\x1b[{which}{final}",
    st.sampled_from(["", "0", "1", "2"]),
    st.sampled_from("JK"),
)
WORDS = st.text(alphabet="ab<é", min_size=1, max_size=9)
KEYS = st.sampled_from(["\n", "\n", "\r", "\r\n", "\b", "\t", "\x07", "\v", "\x1b[?25l", "\n" * 12])
BOLD = st.sampled_from(["\x1b[1m", "\x1b[22m", "\x1b[0m", "\x1b[m"])

ANYTHING = st.lists(st.one_of(WORDS, KEYS, MOVES, PLACES, ERASURES, BOLD), max_size=40).map("".join)
LOGS = st.lists(
    st.one_of(WORDS, WORDS, BOLD, BOLD, KEYS, st.sampled_from(["\r", "\b", "\x1b[K"])),
    min_size=6,
    max_size=60,
).map("".join)

Cell = tuple[str, bool]
BLANK = (" ", False)


def naive(text: str) -> list[list[Cell]]:
    """Return rows of (character, is bold), found character by character in a grid."""
    grid: dict[tuple[int, int], Cell] = {}
    x = y = lowest = 0
    is_bold = False
    for whole, numbers, final in re.findall(r"(\x1b\[\??([\d;]*)(.)|[\s\S])", text):
        top = max(0, lowest - SCREEN_ROWS + 1)
        first, second = ([int(number or 0) for number in numbers.split(";")] + [0])[:2]
        if final == "m":
            is_bold = first == 1
        elif final in ("J", "K"):
            for place in list(grid):
                if is_erased(place, (y, x), top, final, first):
                    grid[place] = BLANK
        elif final or whole in "\n\v\r\b\t\x07":
            x, y = moved(x, y, top, final or whole, max(1, first), max(1, second))
        else:
            grid[y, x] = (whole, is_bold)
            x += 1
        lowest = max(lowest, y)
    rows = []
    for row in range(lowest + 1):
        last = max((column for at, column in grid if at == row), default=-1)
        rows.append(trimmed([grid.get((row, column), BLANK) for column in range(last + 1)]))
    while rows and not rows[-1]:
        rows.pop()
    return rows


def moved(x: int, y: int, top: int, key: str, step: int, column: int) -> tuple[int, int]:
    """Return where a key or a control sequence puts the cursor."""
    up, down = max(top, y - step), min(top + SCREEN_ROWS - 1, y + step)
    places = {
        **dict.fromkeys("\n\v", (0, y + 1)),
        "\r": (0, y),
        "\b": (max(0, x - 1), y),
        "\t": (x - x % 8 + 8, y),
        "A": (x, up),
        "B": (x, down),
        "C": (x + step, y),
        "D": (max(0, x - step), y),
        "E": (0, down),
        "F": (0, up),
        "G": (step - 1, y),
        "H": (column - 1, min(top + SCREEN_ROWS, top + step) - 1),
    }
    return places.get(key, (x, y))


def is_erased(
    place: tuple[int, int], cursor: tuple[int, int], top: int, final: str, which: int
) -> bool:
    """Return whether a cell becomes blank: in the cursor's row, with ``J`` in others too."""
    (row, column), (y, x) = place, cursor
    if row == y:
        return which == 2 or (column >= x if which == 0 else column <= x)
    is_in_reach = row >= top and (which == 2 or (row > y if which == 0 else row < y))
    return final == "J" and is_in_reach


def trimmed(cells: list[Cell]) -> list[Cell]:
    """Return cells without the blank ones at their end."""
    while cells and cells[-1][0] == " ":
        cells.pop()
    return cells


def cells_of(row: Row) -> list[Cell]:
    """Return a row as `naive` has it."""
    styles = row.styles or [PLAIN] * len(row.text)
    assert len(styles) == len(row.text)
    return trimmed([(char, style.is_bold) for char, style in zip(row.text, styles, strict=True)])


def blanked(cells: list[Cell]) -> list[Cell]:
    """Return cells whose blank ones look alike."""
    return [(char, is_bold and char != " ") for char, is_bold in cells]


@settings(max_examples=400)
@given(st.one_of(ANYTHING, LOGS))
@example("\x1b[1mabc\x1b[0m\rx\n\x1b[1m\x1b[1A\x1b[2Kd")
def test_rows_are_those_of_a_naive_terminal(text: str) -> None:
    """Whatever moves the cursor or erases. So do pyte's, by which this was compared once."""
    rows, above = last_rows(text, COLUMNS, 1000)
    assert above == 0
    assert [blanked(cells_of(row)) for row in rows] == [blanked(row) for row in naive(text)]


@settings(max_examples=400)
@given(st.one_of(ANYTHING, LOGS), st.integers(1, 9))
@example("\x1b[1ma\nb\n", 1)
@example("shown\n" + "\x00\n" * 19, 2)
@example("a\nb\n\x1b[1m", 2)
def test_the_last_rows_are_the_last_of_all(text: str, most: int) -> None:
    """Also where only the last lines are looked at."""
    everything, _ = last_rows(text, COLUMNS, 1000)
    rows, above = last_rows(text, COLUMNS, most)
    assert above + len(rows) == len(everything)
    assert len(rows) == min(most, len(everything))
    assert [cells_of(row) for row in rows] == [
        cells_of(row) for row in everything[len(everything) - len(rows) :]
    ]


def test_bars_that_go_up_to_their_lines_take_one_line_each() -> None:
    """As `tqdm` moves between the bars of several loops."""
    text = "".join(
        "\n" * place + f"\rbar {place}: {percent:3d}%" + "\x1b[A" * place
        for percent in range(0, 101, 10)
        for place in range(3)
    )
    rows, _ = last_rows(text + "\n\n\n", COLUMNS, 6)
    assert [row.text for row in rows] == ["bar 0: 100%", "bar 1: 100%", "bar 2: 100%"]


@pytest.mark.parametrize(
    "text",
    [
        "a\x1b[99999999999999999999999999Cb",
        "a\x1b[" + "9" * 5000 + "Bb",
        "a\x1b[" + ";" * 5000 + "mb",
        "a\x1b[²Cb",
        "a" * 10_000 + "\x1b[9999Dc\rb",
    ],
)
def test_a_cursor_that_is_sent_far_away_costs_nothing(text: str) -> None:
    """Rows are no wider than asked, the screen is as high as it is."""
    rows, above = last_rows(text, COLUMNS, 1000)
    assert above + len(rows) <= SCREEN_ROWS
    assert all(len(row.text) <= COLUMNS for row in rows)
    assert "b" in "".join(row.text for row in rows) or "C" in text


def test_what_is_erased_with_its_history_leaves_nothing() -> None:
    """As `clear` does."""
    rows, above = last_rows("old\n" * 200 + "\x1b[H\x1b[2J\x1b[3Jnew", COLUMNS, 6)
    assert ([row.text for row in rows], above) == (["new"], 0)


def test_alike_characters_are_one_span() -> None:
    """And what is cut says so."""
    ((row,), _) = last_rows("ab\x1b[1mcd\x1b[0me", COLUMNS, 1)
    bold = Style(is_bold=True)
    assert row.spans(10) == [("ab", PLAIN), ("cd", bold), ("e", PLAIN)]
    assert row.spans(4) == [("ab", PLAIN), ("c…", bold)]


@pytest.mark.parametrize("most", [2, 100])
def test_a_link_ends_with_its_line(most: int) -> None:
    """A user's printing that was cut short does not make a link of all that follows."""
    rows, _ = last_rows("\x1b]8;;https://a.b\x07to a\nb\nc", COLUMNS, most)
    links = [text for row in rows for text, style in row.spans(10) if style.link]
    assert links == (["to a"] if most > 2 else [])


def test_a_sequence_without_its_end_hides_no_text() -> None:
    """Only at the very end may the rest be on its way."""
    rows, _ = last_rows("\x1b]8;;https://a\nb \x1b[31\nc\x1b]0;tit", COLUMNS, 9)
    assert [row.text for row in rows] == ["8;;https://a", "b ", "c"]
