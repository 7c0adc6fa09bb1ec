"""What is seen of a job or a batch now: the only place of panels that asks for the time of day."""

from __future__ import annotations

import time

from .displayed import Figures
from .render import Picture, picture
from .shown import Shown

FIGURES_S = 2.0
"""How long is waited for what a final job has displayed: the kernel may be stopped soon."""


def look(shown: Shown, before: Picture | None = None) -> Picture:
    """Return the picture of this moment; with the one before, its estimates do not jump."""
    return picture(
        shown.title,
        shown.records(),
        now_ms=time.time_ns() // 1_000_000,
        connection=shown.connection(),
        pace=before.pace if before else None,
        found_by=getattr(shown, "found_by", "reattach()"),
    )


CARD_S = 0.2
"""How long is waited for its card, which a panel may have later: others wait to be drawn."""


def card(shown: Shown, seen: Picture, *, wait_s: float = FIGURES_S) -> str | None:
    """Return how a final job came about, as HTML; "" before, and None where that comes."""
    return shown.card_html(wait_s=wait_s) if seen.is_final else ""


def figures(shown: Shown, seen: Picture, *, wait_s: float = FIGURES_S) -> Figures:
    """Return what it displays in this picture, as far as it is here.

    What is final is waited for, `wait_s` seconds in all.
    """
    until = time.monotonic() + (wait_s if seen.is_final else 0.0)
    return [
        (figure, shown.content(figure, wait_s=max(0.0, until - time.monotonic())))
        for figure in seen.figures
    ]
