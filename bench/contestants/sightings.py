"""What a client sees of a job's updates."""

from __future__ import annotations

import time
from collections.abc import Callable

from .contestant import LIMIT_S, Progress


class Sightings:
    """Updates as they arrive, in whichever thread; each is a number larger than those before."""

    def __init__(self) -> None:
        self._seen: dict[int, float] = {}

    def note(self, number: float) -> None:
        """Take one that has just arrived."""
        self._seen.setdefault(int(number), time.monotonic())

    def progress(
        self, told: tuple[float, int, float], look: Callable[[], object] = lambda: None
    ) -> Progress:
        """Wait for the last one, and return how all fared.

        told: what `work.reporting` returned.
        look: called again and again meanwhile, where updates do not come by themselves.
        """
        cost_us, made, made_at = told
        deadline = time.monotonic() + LIMIT_S
        while made not in self._seen and time.monotonic() < deadline:
            look()
            time.sleep(0.001)
        seen_at = self._seen.get(made)
        after_s = None if seen_at is None else seen_at - made_at
        return Progress(cost_us=cost_us, made=made, seen=len(self._seen), last_after_s=after_s)
