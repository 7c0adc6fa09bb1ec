"""Printed text as HTML, and what of it is no text but a terminal's escape sequence.

Nobody vouches for such text: whatever it holds, what comes out is escaped, closes what it opens
and has no control character.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from html import escape

from .colour import GREY, on, shades
from .sgr import AS_THE_TEXT, PLAIN, Style

CODES_CHARS = 100
"""Longer codes of one sequence are nobody's colours."""

CONTROLS = "\x00-\x1f\x7f-\x9f\ud800-\udfff"
"""Of a regular expression's set: C0, DEL, C1 and halves of surrogate pairs, which are no text."""

ESCAPES = re.compile(
    rf"(?:\x1b\[|\x9b)(?P<codes>[0-?]{{0,{CODES_CHARS}}})(?P<between>[0-?]*[ -/]*)(?P<final>[@-~])?"
    rf"|(?:\x1b\]|\x9d)(?P<command>[^{CONTROLS}]*)(?:\x07|\x1b\\|\x9c)"
    rf"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^{CONTROLS}]*(?:\x1b\\|\x9c)"
    r"|\x1b[ -/]*[0-~]?"
)
"""CSI, OSC, the other strings, the short ones. One without its end is dropped, its text stays.

Source: ECMA-48, 5.4 and 5.6; BEL as an end: xterm's control sequences.
"""

_OTHER_CONTROLS = re.compile(rf"(?![\n\t])[{CONTROLS}]")


def html(spans: Iterable[tuple[str, Style]]) -> str:
    """Return styled pieces of one line as HTML. They hold no control characters."""
    return "".join(
        escape(text, quote=False)
        if style == PLAIN
        else escape(text, quote=False).join(_tags(style))
        for text, style in spans
    )


def plain(text: str) -> str:
    """Return `text` without escape sequences and without controls but newline and tab."""
    return _OTHER_CONTROLS.sub("", ESCAPES.sub("", text))


@lru_cache(maxsize=1024)
def _tags(style: Style) -> tuple[str, str]:
    """Return what stands before and after a text; elements rather than styles, for GitHub."""
    opened, closed = "", ""
    if style.link:
        target = escape(style.link)
        # A browser's own blue cannot be read on a dark page.
        rest = 'target="_blank" rel="noopener noreferrer" style="color:inherit"'
        opened = f'<a href="{target}" {rest}>'
        closed = "</a>"
    css = _css(style)
    if css:
        opened, closed = f'{opened}<span style="{css}">', f"</span>{closed}"
    wanted = (style.is_bold, style.is_italic, style.is_underlined, style.is_struck)
    for tag, is_wanted in zip("bius", wanted, strict=True):
        if is_wanted:
            opened, closed = f"{opened}<{tag}>", f"</{tag}>{closed}"
    return opened, closed


def _css(style: Style) -> str:
    """Return a colour for any page, and those that the style sheet puts in its place.

    On a background of its own a text has one colour everywhere.
    """
    colour, background = style.colour, style.background
    if style.is_inverse:
        colour, background = background, colour or GREY
    if background is not None:
        return f"color:{on(background, colour).hex};background-color:{background.hex}"
    if colour is None and style.is_dim:
        colour = GREY
    if colour is None or colour in AS_THE_TEXT:
        return ""
    anywhere, light, dark = shades(colour)
    return f"color:{anywhere.hex};--l:{light.hex};--d:{dark.hex}"
