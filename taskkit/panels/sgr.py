"""How a character of a terminal looks, and the codes that change it: SGR and OSC 8."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from .colour import BLACK, GREY, RGB, WHITE

LINK_CHARS = 500

_WEB = re.compile(r"https?://[!-~]+", re.IGNORECASE)

_FIRST_16 = (
    *(BLACK, RGB(205, 49, 49), RGB(14, 168, 85), RGB(196, 160, 0)),
    *(RGB(36, 114, 200), RGB(188, 63, 188), RGB(17, 168, 205), RGB(204, 204, 204)),
    *(GREY, RGB(241, 76, 76), RGB(35, 209, 139), RGB(245, 220, 67)),
    *(RGB(59, 142, 234), RGB(214, 112, 214), RGB(41, 184, 219), WHITE),
)
_CUBE = (0, 95, 135, 175, 215, 255)
AS_THE_TEXT = frozenset({_FIRST_16[0], _FIRST_16[7], _FIRST_16[15]})
"""Black and white are a terminal's text on one of its two backgrounds: here the page's own."""


class Style(NamedTuple):
    """How a character looks."""

    colour: RGB | None = None
    background: RGB | None = None
    is_bold: bool = False
    is_dim: bool = False
    is_italic: bool = False
    is_underlined: bool = False
    is_struck: bool = False
    is_inverse: bool = False
    link: str = ""
    #: Where it leads: http or https, else empty.


PLAIN = Style()

_CHANGES: dict[int, dict[str, Any]] = {
    1: {"is_bold": True},
    2: {"is_dim": True},
    3: {"is_italic": True},
    4: {"is_underlined": True},
    7: {"is_inverse": True},
    9: {"is_struck": True},
    21: {"is_underlined": True},
    22: {"is_bold": False, "is_dim": False},
    23: {"is_italic": False},
    24: {"is_underlined": False},
    27: {"is_inverse": False},
    29: {"is_struck": False},
    39: {"colour": None},
    49: {"background": None},
    **{30 + place: {"colour": _FIRST_16[place]} for place in range(8)},
    **{90 + place: {"colour": _FIRST_16[8 + place]} for place in range(8)},
    **{40 + place: {"background": _FIRST_16[place]} for place in range(8)},
    **{100 + place: {"background": _FIRST_16[8 + place]} for place in range(8)},
}
"""Code -> what it changes."""


@lru_cache(maxsize=1024)
def restyled(style: Style, codes: str) -> Style:
    """Return `style` after the codes of one SGR sequence; what is unknown or broken is ignored.

    Concealed text is shown. Source: ECMA-48, 8.3.117; ITU-T T.416, 13.1.8.

    >>> restyled(PLAIN, "1;31") == Style(is_bold=True, colour=RGB(205, 49, 49))
    True
    """
    if codes[:1] in ("<", "=", ">", "?"):
        return style  # a private sequence: of keys, not of looks
    fields = iter(codes.split(";"))
    for field in fields:
        first, *parts = field.split(":")
        code = _number(first)
        if code in (38, 48, 58):
            colour = _colour(iter(_without_space(parts))) if parts else _colour(fields)
            if code != 58 and colour is not None:
                changed: dict[str, Any] = {"colour" if code == 38 else "background": colour}
                style = style._replace(**changed)
        elif code == 4 and parts:
            style = style._replace(is_underlined=parts[0] != "0")
        elif code == 0:
            style = Style(link=style.link)
        elif code in _CHANGES:
            style = style._replace(**_CHANGES[code])
    return style


def _number(text: str) -> int:
    """Return a code; empty is 0, and what is no number of three digits is no code."""
    if not text:
        return 0
    return int(text) if len(text) <= 3 and text.isdecimal() else -1


def _without_space(parts: list[str]) -> list[str]:
    """Return a colour's parts without the space that it is in, ``2:space:red:green:blue``."""
    return [parts[0], *parts[2:]] if parts[0] == "2" and len(parts) > 4 else parts


def _colour(fields: Iterator[str]) -> RGB | None:
    mode = next(fields, "")
    if mode == "5":
        return _of_256(_number(next(fields, "x")))
    if mode == "2":
        parts = [_number(next(fields, "x")) for _ in range(3)]
        return RGB(*parts) if all(0 <= part <= 255 for part in parts) else None
    return None


def _of_256(place: int) -> RGB | None:
    """Return a colour of xterm's 256: sixteen, a cube of six a side, 24 greys."""
    if not 0 <= place <= 255:
        return None
    if place < 16:
        return _FIRST_16[place]
    if place < 232:
        place -= 16
        return RGB(_CUBE[place // 36], _CUBE[place // 6 % 6], _CUBE[place % 6])
    grey = 8 + 10 * (place - 232)
    return RGB(grey, grey, grey)


def linked(style: Style, command: str) -> Style:
    """Return `style` after an OSC sequence: a link that leads to the web, or none.

    Source: "Hyperlinks in terminal emulators", ``OSC 8 ; params ; URI``.
    """
    kind, _, rest = command.partition(";")
    if kind != "8":
        return style
    target = rest.partition(";")[2]
    is_web = len(target) <= LINK_CHARS and _WEB.fullmatch(target)
    return style._replace(link=target if is_web else "")
