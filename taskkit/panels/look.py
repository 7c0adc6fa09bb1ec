"""What is seen of a job or a batch now: the only place of panels that asks for the time of day."""

from __future__ import annotations

import time

from .render import Picture, picture
from .shown import Shown


def look(shown: Shown, before: Picture | None = None) -> Picture:
    """Return the picture of this moment; with the one before, its estimates do not jump."""
    return picture(
        shown.title,
        shown.records(),
        now_ms=time.time_ns() // 1_000_000,
        connection=shown.connection(),
        pace=before.pace if before else None,
    )
