"""Colours that can be read: the same hue, darker or lighter where its background wants it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

CONTRAST = 4.5
"""Of text against its background at least. Source: WCAG 2.2, 1.4.3."""


class RGB(NamedTuple):
    """A colour in sRGB, 0..255 each."""

    red: int
    green: int
    blue: int

    @property
    def hex(self) -> str:
        """As CSS has it."""
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"


BLACK, WHITE, GREY = RGB(0, 0, 0), RGB(255, 255, 255), RGB(118, 118, 118)

LIGHT_MOST = 0.179
"""The luminance of text on white at most, for `CONTRAST`."""

DARK_LEAST = 0.247
"""On #212121 at least, the grey of JupyterLab's dark cells; #111 and black allow for less."""

BETWEEN = 0.19
"""4.3:1 on white and on #111 alike: more than that, on both at once, no colour has."""


class Shades(NamedTuple):
    """One colour for text whose background is the page's."""

    anywhere: RGB
    #: Where nobody says whether the page is light or dark.
    light: RGB
    dark: RGB


@lru_cache(maxsize=1024)
def shades(colour: RGB) -> Shades:
    """Return `colour` as it can be read.

    >>> shades(RGB(255, 255, 0)).light.hex, shades(RGB(255, 255, 0)).dark.hex
    ('#7a7a00', '#ffff00')
    """
    bright = luminance(colour)
    return Shades(
        anywhere=_with_luminance(colour, BETWEEN),
        light=_with_luminance(colour, min(bright, LIGHT_MOST)),
        dark=_with_luminance(colour, max(bright, DARK_LEAST)),
    )


def on(background: RGB, wanted: RGB | None = None) -> RGB:
    """Return the wanted colour if it can be read on `background`, else black or white."""
    if wanted is not None and contrast(wanted, background) >= CONTRAST:
        return wanted
    return max((BLACK, WHITE), key=lambda colour: contrast(colour, background))


def contrast(one: RGB, other: RGB) -> float:
    """Return the contrast of two colours, 1..21. Source: WCAG 2.2, "contrast ratio"."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: RGB) -> float:
    """Return how bright a colour is, 0..1. Source: WCAG 2.2, "relative luminance"."""
    red, green, blue = map(_linear, colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _with_luminance(colour: RGB, wanted: float) -> RGB:
    """Mix with black or white, in light rather than in code values, so that the hue stays."""
    bright = luminance(colour)
    if wanted == bright:
        return colour
    if wanted < bright:
        return RGB(*(_code(_linear(part) * wanted / bright) for part in colour))
    share = (wanted - bright) / (1 - bright)
    return RGB(*(_code(_linear(part) * (1 - share) + share) for part in colour))


def _linear(code: int) -> float:
    part = code / 255
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _code(linear: float) -> int:
    part = 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
    return min(255, max(0, round(255 * part)))
