"""What a job displays, as HTML: as Jupyter would show it in a cell of its own."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from ..protocol.jobs import Figure
from .markup import clip, one_line

IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"})

Figures = Sequence[tuple[Figure, bytes | None]]
"""Figures with what they are; empty where that is not to be had, None where it is not here yet."""


def gallery_html(figures: Figures) -> str:
    """Return all that a job displays, or nothing where that is none."""
    shown = "".join(figure_html(figure, data) for figure, data in figures)
    return f'<div class="taskkit tk-gallery">{shown}</div>' if shown else ""


def figure_html(figure: Figure, data: bytes | None) -> str:
    """Return one figure, under its name where the job gave it one."""
    caption = "" if figure.name.isdecimal() else f"<figcaption>{_words(figure.name)}</figcaption>"
    return f'<figure class="tk-figure">{caption}{_content(figure, data)}</figure>'


def is_here(figures: Figures) -> bool:
    """Return whether nothing is on its way any more."""
    return all(data is not None for _, data in figures)


def count_text(figures: Sequence[Figure]) -> str:
    """Return in words how many there are; nothing for none."""
    return f"{len(figures)} figure{'s' if len(figures) > 1 else ''}" if figures else ""


def _content(figure: Figure, data: bytes | None) -> str:
    if data is None:
        return f'<div class="tk-quiet">{_words(figure.text)} is on its way …</div>'
    if not data and figure.size_bytes:
        return f'<div class="tk-quiet">{_words(figure.text)} is not here any more</div>'
    if figure.media_type in IMAGES:
        source = f"data:{figure.media_type};base64,{b64encode(data).decode()}"
        return f'<img src="{source}" alt="{_words(figure.text)}" style="max-width:100%">'
    text = data.decode(errors="replace")
    if figure.media_type == "text/html":
        # The one place where HTML of the user's is taken as it is: so does Jupyter, in whose cells
        # it came about. Viewers that do not trust a notebook clean it, and the panel with it.
        return f'<div class="tk-html">{text}</div>'
    if figure.media_type == "text/latex":
        return f"<div>{escape(text)}</div>"  # typeset where the viewer does that
    return f'<pre class="tk-lines">{escape(clip(text, 20_000))}</pre>'


def _words(text: str) -> str:
    return escape(one_line(text))
