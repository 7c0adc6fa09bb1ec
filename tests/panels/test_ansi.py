"""Colours, links and the HTML of printed text."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskkit.panels import ansi, colour, frames, screen, sgr
from taskkit.panels.colour import CONTRAST, RGB, WHITE, contrast, on, shades
from taskkit.panels.sgr import PLAIN, Style, linked, restyled

DARKS = (RGB(0x21, 0x21, 0x21), RGB(0x11, 0x11, 0x11))
COLOURS = st.builds(RGB, *[st.integers(0, 255)] * 3)
SIXTEEN = [restyled(PLAIN, f"38;5;{place}").colour for place in range(16)]


@pytest.mark.parametrize("module", [colour, frames, screen, sgr])
def test_the_examples_of_these_modules_run(module: ModuleType) -> None:
    """Each has one."""
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


@pytest.mark.parametrize("wanted", SIXTEEN)
def test_the_sixteen_colours_can_be_read_on_white_and_on_dark(wanted: RGB) -> None:
    """At least 4.5:1 where the theme is known; 4.2:1 on both where it is not."""
    found = shades(wanted)
    assert contrast(found.light, WHITE) >= CONTRAST
    assert all(contrast(found.dark, dark) >= CONTRAST for dark in DARKS)
    assert all(contrast(found.anywhere, page) >= 4.2 for page in (WHITE, DARKS[1]))


@given(COLOURS, COLOURS)
def test_any_colour_can_be_read(wanted: RGB, background: RGB) -> None:
    """Also one of 24 bits, and on a background that was asked for."""
    found = shades(wanted)
    assert contrast(found.light, WHITE) >= CONTRAST
    assert all(contrast(found.dark, dark) >= CONTRAST for dark in DARKS)
    assert contrast(on(background, wanted), background) >= CONTRAST


def test_a_colour_that_can_be_read_stays_as_it_is() -> None:
    """Only what is too bright or too dark for a page is changed there."""
    navy, pink = RGB(0, 0, 128), RGB(255, 192, 203)
    assert shades(navy).light == navy != shades(navy).dark
    assert shades(pink).dark == pink != shades(pink).light


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("", PLAIN),
        ("0", PLAIN),
        ("1;3;4;9", Style(is_bold=True, is_italic=True, is_underlined=True, is_struck=True)),
        ("1;2;22", PLAIN),
        ("38;5;196", Style(colour=RGB(255, 0, 0))),
        ("38;5;244", Style(colour=RGB(128, 128, 128))),
        ("48;2;1;2;3", Style(background=RGB(1, 2, 3))),
        ("38:2::1:2:3", Style(colour=RGB(1, 2, 3))),
        ("38:2:1:2:3", Style(colour=RGB(1, 2, 3))),
        ("58;5;1;1", Style(is_bold=True)),
        ("4:3", Style(is_underlined=True)),
        ("4:0", PLAIN),
        ("8", PLAIN),
        ("38;5;300", PLAIN),
        ("38;2;1;1", PLAIN),
        ("38", PLAIN),
        ("999;x;;7", Style(is_inverse=True)),
        ("²;" * 40, PLAIN),
        (">4;1", PLAIN),
        ("1;0", PLAIN),
    ],
)
def test_codes_of_looks(codes: str, style: Style) -> None:
    """What is unknown or broken changes nothing."""
    assert restyled(PLAIN, codes) == style


@given(st.text(alphabet="0123456789;:?x²", max_size=30))
def test_no_codes_break_anything(codes: str) -> None:
    """And none of their characters gets into the HTML."""
    html = ansi.html([("@", restyled(PLAIN, codes))])
    assert html.count("@") == 1
    assert not set(html) & set("?x²")


@pytest.mark.parametrize(
    ("command", "link"),
    [
        ("8;;https://example.org/a?b=1&c", "https://example.org/a?b=1&c"),
        ("8;id=1;HTTP://example.org", "HTTP://example.org"),
        ("8;;", ""),
        ("8;;javascript:alert(1)", ""),
        ("8;;data:text/html,x", ""),
        ("8;;file:///etc/passwd", ""),
        ("8;; https://example.org", ""),
        ("8;;https://example.org/ onclick=x", ""),
        ("8;;https://exämple.org", ""),
        ("8;;https://" + "x" * 3000, ""),
        ("8", ""),
    ],
)
def test_links_lead_to_the_web_or_nowhere(command: str, link: str) -> None:
    """Only http and https; what ends a link is one that leads nowhere."""
    assert linked(Style(link="https://old.example"), command).link == link


def test_links_and_looks_are_escaped_elements() -> None:
    """Elements rather than styles, which some viewers drop."""
    style = Style(link="https://a.b/\"'<>&", is_bold=True)
    html = ansi.html([("<i>", style), ("&", PLAIN)])
    assert 'href="https://a.b/&quot;&#x27;&lt;&gt;&amp;"' in html
    assert html.endswith("<b>&lt;i&gt;</b></a>&amp;")


def test_a_background_brings_a_colour_that_can_be_read_on_it() -> None:
    """Yellow on yellow becomes black on yellow; inverse text has a background too."""
    yellow = RGB(245, 220, 67)
    same = ansi.html([("x", Style(colour=yellow, background=yellow))])
    assert 'style="color:#000000;background-color:#f5dc43"' in same
    assert "background-color:#767676" in ansi.html([("x", Style(is_inverse=True))])


@given(st.text(alphabet="ab\n\t\x1b[]8;31m\x07\\\x9b\x00\ud800é", max_size=60))
def test_plain_text_has_no_controls(text: str) -> None:
    """Newline and tab stay."""
    kept = ansi.plain(text)
    assert not any(char < " " or "\x7f" <= char < "\xa0" for char in kept if char not in "\n\t")
    kept.encode()
