"""What workers say of how jobs ran, in Redis: what many jobs share of it, once for each owner."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from .connection import refusals
from .keys import Keys
from .terms import NOT_SAID, JobRef, Ran, Sheet

AGAIN_S = 60.0
"""After how long a process sends a sheet again with a job that has it. Redis may have lost it, and
keeps it for much longer (`finish.lua`)."""

MOST_TOLD = 1000

DROPPED, KEPT = "", "kept"
"""What becomes of the arguments of a job that succeeds; instead of `KEPT` their digest."""


class RedisSheets:
    """Of one process."""

    def __init__(self, redis: Any, keys: Keys, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._keys = keys
        self._clock = clock
        self._told_at: dict[tuple[str, str], float] = {}
        #: When each was sent last, by owner and digest.

    def arguments(self, owner: str, ran: Ran | None) -> tuple[str, str, str]:
        """Return what `finish.lua` is told: digests, what it does not have, and of arguments what.

        The texts are in the order of the digests, and empty where Redis has one.
        """
        if ran is None:
            return "", "", DROPPED
        texts = [sheet.text if self._is_due(owner, sheet) else "" for sheet in ran.sheets]
        sent = "".join(f"{text}\0" for text in texts) if any(texts) else ""
        return " ".join(sheet.digest for sheet in ran.sheets), sent, ran.arguments or KEPT

    def told(self, owner: str, ran: Ran | None) -> None:
        """Note that Redis has these now."""
        if len(self._told_at) >= MOST_TOLD:
            self._told_at.clear()
        for sheet in (ran or NOT_SAID).sheets:
            if self._is_due(owner, sheet):
                self._told_at[owner, sheet.digest] = self._clock()

    def kept(self, ref: JobRef, digests: Sequence[str]) -> list[str]:
        """Return the texts of those that are kept."""
        if not digests:
            return []
        with refusals():
            pipe = self._redis.pipeline(transaction=False)
            for digest in digests:
                pipe.get(self._keys.sheet(ref.owner, digest))
            return [text.decode() for text in pipe.execute() if text is not None]

    def _is_due(self, owner: str, sheet: Sheet) -> bool:
        told_at = self._told_at.get((owner, sheet.digest))
        return told_at is None or self._clock() - told_at >= AGAIN_S
