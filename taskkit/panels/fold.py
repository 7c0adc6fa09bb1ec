"""Printed lines in HTML: the last ones in sight, those above folded, or in a live panel apart.

A live panel's HTML is replaced ten times a second, which would close whatever was opened in it.
So its fold is taken out and shown in widgets of its own (see `drawer`).
"""

from __future__ import annotations

from collections.abc import Sequence

_BEGIN = '<details class="tk-more"><summary>'
_BOX = '</summary><div class="tk-scroll" tabindex="0">'
_END = "</div></details>"
_LINES = '<pre class="tk-lines">'
_LINES_END = "</pre>"


def lines_html(lines: Sequence[str]) -> str:
    """Return lines, each HTML already, as a block of them."""
    # A browser drops a newline that begins a <pre>.
    begin = "" if lines and lines[0] else "\n"
    return _LINES + begin + "\n".join(lines) + _LINES_END


def folded(summary: str, above: Sequence[str]) -> str:
    """Return what opens to show the lines above, in a box that scrolls from its end."""
    return f"{_BEGIN}{summary}{_BOX}{lines_html(above)}{_END}"


def apart(html: str) -> tuple[str, str]:
    """Return a panel with its fold's summary only, and all the lines that it has or would open.

    The second is empty where nothing was folded. No user's text can be taken for a fold, for
    whatever comes from a user is escaped.
    """
    before, begin, rest = html.partition(_BEGIN)
    if not begin:
        return html, ""
    summary, _, rest = rest.partition(_BOX)
    above, _, after = rest.partition(_END)
    last = after.partition(_LINES)[2].partition(_LINES_END)[0]
    whole = f"{above.removesuffix(_LINES_END)}\n{last}{_LINES_END}"
    return f'{before}<div class="tk-above">{summary}</div>{after}', whole
