"""The end of what a job printed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskkit.panels.output import LINE_CHARS, LINES, fold, tail


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain", "plain"),
        ("10%\r50%\r90%", "90%"),
        ("90%\r", "90%"),
        ("\x1b[32mgreen\x1b[0m", "green"),
        ("10%\r\x1b[2K", "10%"),
        ("\x1b]0;title\x07text\x00", "text"),
    ],
)
def test_a_line_is_what_a_terminal_leaves_of_it(line: str, shown: str) -> None:
    """Carriage returns are folded, colours and controls dropped."""
    assert fold(line) == shown


def test_windows_line_ends_are_not_rewrites() -> None:
    """They end lines."""
    assert tail("a\r\nb\r\n").lines == ("a", "b")


def test_output_that_is_gone_is_not_counted_but_said() -> None:
    """A record keeps the end of a long output."""
    cut = tail("x\n" * 10, dropped_chars=5)
    assert (cut.above, cut.is_more_above) == (4, True)


@given(st.text(alphabet="ab\n\r\x1b[0m\x00é", max_size=200))
def test_no_output_breaks_a_panel(text: str) -> None:
    """Few short lines without controls come of anything, and the others are counted."""
    cut = tail(text)
    assert len(cut.lines) <= LINES
    assert all(len(line) <= LINE_CHARS for line in cut.lines)
    assert not any(char in "\r\n\x00\x1b" for line in cut.lines for char in line)
    folded = text.replace("\r\n", "\n").rstrip("\n")
    assert len(cut.lines) + cut.above == (folded.count("\n") + 1 if folded else 0)
