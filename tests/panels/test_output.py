"""The end of what a job printed."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskkit.panels import markup
from taskkit.panels.output import (
    ABOVE_BYTES,
    LINE_BYTES,
    LINE_CHARS,
    LINES,
    LINES_ABOVE,
    Tail,
    tail,
)

PRINTED = st.lists(
    st.one_of(
        st.text(alphabet="ab<>&'\"é\t\x00\x7f\x9b\ud800\u2028", max_size=8),
        st.sampled_from(
            ["\n", "\r", "\r\n", "\b", "\x1b", "\x1b[", "\x1b]", "\x1b\\", "\x07", "m"]
        ),
        st.sampled_from(
            ["\x1b[31m", "\x1b[0m", "\x1b[38;2;1;2;3m", "\x1b[38;5;", "\x1b[A", "\x1b[2K"]
        ),
        st.sampled_from(["\x1b]8;;https://a.b/<'\">\x07", "\x1b]8;;javascript:alert(1)\x1b\\"]),
    ),
    max_size=40,
).map("".join)


class Markup(HTMLParser):
    """Collects what a browser would see: elements, attributes, text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("plain", ["plain"]),
        ("10%\r50%\r90%", ["90%"]),
        ("90%\r", ["90%"]),
        ("10%\r\x1b[2K", []),
        ("downloading\rdone\x1b[K", ["done"]),
        ("abc\b\bX", ["aXc"]),
        ("\x1b]0;title\x07text\x00", ["text"]),
        ("first: 1\n\rsecond: 1\x1b[A\rfirst: 2\n\rsecond: 2\n", ["first: 2", "second: 2"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("\x1b[3", []),
        ("\x1b]8;;https://exam", []),
    ],
)
def test_lines_are_what_a_terminal_leaves(printed: str, shown: list[str]) -> None:
    """Rewrites, erasures and a cursor that goes up are done, other controls dropped."""
    assert list(tail(printed).lines) == shown


def test_two_hundred_lines_above_are_kept_and_the_others_counted() -> None:
    """Six in sight, 200 on demand."""
    cut = tail("".join(f"{number}\n" for number in range(1500)))
    assert (len(cut.lines), len(cut.above), cut.dropped) == (LINES, LINES_ABOVE, 1294)
    assert (cut.above[0], cut.above[-1], cut.lines[0]) == ("1294", "1493", "1494")


def test_output_that_is_gone_is_not_counted_but_said() -> None:
    """A record keeps the end of a long output; its first line is what is left of one."""
    cut = tail("x\n" * 10, dropped_chars=5)
    assert (len(cut.lines), len(cut.above), cut.is_more_above) == (6, 3, True)
    assert tail("1mcut\nwhole", dropped_chars=5).lines == ("whole",)
    assert tail("all there is", dropped_chars=5).lines == ("all there is",)


@pytest.mark.parametrize(
    ("above", "dropped", "is_more", "text"),
    [
        (0, 0, False, ""),
        (0, 0, True, "more above"),
        (1, 0, False, "1 line above"),
        (14, 0, True, "more than 14 lines above"),
        (200, 1234, False, "200 lines above · 1,234 lines dropped"),
        (200, 1, True, "200 lines above · more than 1 line dropped"),
        (0, 1234, False, "1,234 lines dropped"),
    ],
)
def test_what_is_not_in_sight_is_told(above: int, dropped: int, is_more: bool, text: str) -> None:
    """In numbers where they are known."""
    assert markup.above_text(Tail(("x",), ("y",) * above, dropped, is_more)) == text


def test_lines_above_open_and_a_block_may_begin_with_a_blank_line() -> None:
    """A closed <details> with all of them; a browser drops a newline that begins a <pre>."""
    html = markup.output(tail("first\n\n\n\n\n\n\nlast"))
    assert "<details " in html
    assert "<summary>2 lines above</summary>" in html
    assert '<pre class="tk-lines">first\n</pre>' in html
    assert '<pre class="tk-lines">\n\n\n\n\n\nlast</pre>' in html


def test_the_html_of_the_largest_output_is_bounded() -> None:
    """However colourful: lines lose their colours, or are dropped and counted."""
    rainbow = "".join(f"\x1b[38;2;{n % 256};9;{n % 7}m&" for n in range(400))
    for text in (f"{rainbow}\n" * 300, "&" * 400 + "\n" + ("é&" * 300 + "\n") * 300, "&\n" * 9000):
        cut = tail(text)
        assert len(markup.output(cut).encode()) < ABOVE_BYTES + LINES * LINE_BYTES + 300
        assert len(cut.lines) + len(cut.above) + cut.dropped == text.count("\n")
        assert cut.dropped


def test_a_long_line_is_cut() -> None:
    """Its beginning is shown."""
    (line,) = tail("x" * 1000).lines
    assert line == "x" * (LINE_CHARS - 1) + "…"


@given(PRINTED, st.sampled_from([0, 7]))
def test_no_output_breaks_a_panel(text: str, dropped_chars: int) -> None:
    """No control, no markup and no link of a user's own comes through, and every line is closed."""
    cut = tail(text, dropped_chars)
    assert len(cut.lines) <= LINES
    html = markup.output(cut)
    html.encode()
    assert not any(char < " " or "\x7f" <= char < "\xa0" for char in html.replace("\n", ""))
    for line in (*cut.above, *cut.lines, html):
        seen = Markup(line)
        assert not seen.open
        assert seen.tags <= {"a", "span", "b", "i", "u", "s", "div", "details", "summary", "pre"}
        assert seen.names <= {"href", "target", "rel", "style", "class", "tabindex"}
        assert all(link.startswith("https://") for link in seen.links)
        assert len(seen.text) <= LINE_CHARS or line is html
