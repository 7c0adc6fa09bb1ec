"""What tokens were found to be, for a moment: not each request asks Redis."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from contextlib import suppress
from typing import Generic, TypeVar

from taskkit.ledger import Kept
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.tokens import TokenInfo

from ..clock import now_ms

TRUSTED_S = 1.0
"""For how long a token is taken as it was; a revoked one opens the server for no longer."""

MOST_TRUSTED = 4096

TOUCH_MS = 60_000
"""How often is noted at most that a token was used."""

T = TypeVar("T", bound=TokenInfo)


class Trusted(Generic[T]):
    """Finds tokens of one kind, and notes that they are used. Safe from any thread."""

    def __init__(self, tokens: Kept[T]) -> None:
        self._tokens = tokens
        self._lock = threading.Lock()
        self._found: OrderedDict[str, tuple[T | None, float]] = OrderedDict()
        #: By hash, what was found, and until when that is taken for true.

    def find(self, digest: str) -> T | None:
        """Return the token that has this hash, None where there is none."""
        now = time.monotonic()
        with self._lock:
            known, until = self._found.get(digest, (None, 0.0))
        if now < until:
            return known
        info = self._tokens.find(digest)
        with self._lock:
            self._found[digest] = info, now + TRUSTED_S
            self._found.move_to_end(digest)
            while len(self._found) > MOST_TRUSTED:
                self._found.popitem(last=False)
        if info is not None and now_ms() - (info.used_at or 0) > TOUCH_MS:
            with suppress(Unavailable):
                self._tokens.touch(info.id, now_ms())
        return info
