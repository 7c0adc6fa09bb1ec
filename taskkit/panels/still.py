"""What is shown of a job or a batch where nothing is live: in lists, galleries, nbconvert."""

from __future__ import annotations

from ..config.client import progress
from .displayed import gallery_html
from .look import card, figures, look
from .shown import Shown


def still_html(shown: Shown) -> str | None:
    """Return it as HTML that stays true, or None where `TASKKIT_PROGRESS` wants none."""
    if progress() in ("plain", "none"):
        return None
    seen = look(shown)
    below = gallery_html(figures(shown, seen)) + (card(shown, seen) or "")
    return seen.bundle(gallery=below)["text/html"]
