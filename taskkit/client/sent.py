"""What jobs were given, as it was sent, for their cards: a ledger keeps only what is small."""

from __future__ import annotations

import threading
from base64 import b64decode
from collections.abc import Hashable
from weakref import WeakKeyDictionary

from ..protocol.spec import KEPT_ARGUMENTS_BYTES

MOST_BYTES = 64 * 2**20
"""How much a client holds; what was sent first goes first."""

_LEAST_CHARS = KEPT_ARGUMENTS_BYTES * 4 // 3


class SentArguments:
    """Of the jobs that somebody holds; safe from any thread."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._of: WeakKeyDictionary[Hashable, str] = WeakKeyDictionary()
        #: Payloads in base64, as they are in the requests, in the order in which they were sent.
        self._noted = 0
        #: How many characters were noted; some of their jobs may be gone.
        self._lock = threading.Lock()

    def note(self, job: Hashable, payload: str | None) -> None:
        """Hold what is sent with a job, where a ledger may let it go."""
        if payload is None or not _LEAST_CHARS < len(payload) <= self._most_bytes:
            return
        with self._lock:
            self._of[job] = payload
            self._noted += len(payload)
            if self._noted > self._most_bytes:
                self._let_go()

    def _let_go(self) -> None:
        """Let go of half of what may be held: the oldest, so that it is seldom looked for."""
        held = list(self._of.items())
        self._noted = sum(len(payload) for _, payload in held)
        for job, payload in held:
            if self._noted <= self._most_bytes // 2:
                break
            del self._of[job]
            self._noted -= len(payload)

    def of(self, job: Hashable) -> bytes | None:
        """Return a job's payload; None where it is not held."""
        with self._lock:
            payload = self._of.get(job)
        return None if payload is None else b64decode(payload)
