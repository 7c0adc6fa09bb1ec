"""Which jobs no worker can run that is there, as of a second ago at most, and in words why."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

from taskkit.ledger import Ledger
from taskkit.protocol.errors import NoWorkerFits
from taskkit.protocol.fit import shortfall
from taskkit.protocol.jobs import JobRecord, JobState
from taskkit.protocol.needs import Advert, Needs, needs_of
from taskkit.protocol.options import JobOptions

FRESH_S = 1.0
MOST_KINDS = 1000


class Workforce:
    """Asks the ledger at most once a second, and answers for each kind of needs once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._adverts: Sequence[Advert] = ()
        self._words: dict[str, str] = {}

    def told(self, record: JobRecord) -> JobRecord:
        """Return the record of a job that waits with what it waits for, others as they are."""
        if record.state is not JobState.QUEUED:
            return record
        words = self._lacking(needs_of(record.options))
        return replace(record, waits_for=words) if words else record

    def require(self, options: JobOptions) -> None:
        """Return if a worker is there that could run such a job.

        Raises:
            NoWorkerFits: None is; the message says what there is.
        """
        needs = needs_of(options)
        if self._lacking(needs) and (words := self._lacking(needs, is_forced=True)):
            raise NoWorkerFits(f"no worker can run this job now: it {words}", waits_for=words)

    def _lacking(self, needs: Needs, *, is_forced: bool = False) -> str:
        with self._lock:
            if is_forced or time.monotonic() - self._read_at > FRESH_S:
                self._adverts = self._ledger.adverts()
                self._words = {}
                self._read_at = time.monotonic()
            found = self._words.get(needs.lane)
            if found is None:
                found = shortfall(needs, self._adverts)
                if len(self._words) < MOST_KINDS:
                    self._words[needs.lane] = found
            return found
