"""How a pool process comes to hold jobs: each step while it holds its own place."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

from taskkit.ledger import Claim, Full, Lease, Ledger

from .handover import Handover
from .series import Series

ONE_IN = 4
"""The share of an owner's line, one in so many, of which several are claimed at once: at a line's
end every process has something to do. One alone is begun within a moment, and may be the last."""

FRESH_S = 5.0
"""For how long after its claim a job of a series is begun without another question. Its lease lasts
longer, whatever becomes of the keeper."""

WAITED = "it waited behind another job, which took long"


class Claiming:
    """One a pool process."""

    def __init__(
        self, ledger: Ledger, worker: str, handover: Handover, series: Series | None
    ) -> None:
        self._ledger = ledger
        self._worker = worker
        self._handover = handover
        self._series = series
        #: Where there is none, one is claimed at a time.
        self._claimed_at = 0.0
        #: Before jobs behind another one were asked for the last time.

    @property
    def is_of_several(self) -> bool:
        """Whether this process may hold jobs behind the one that runs."""
        return self._series is not None

    # Each raises Unavailable where the ledger does not answer, and is to be called again.

    def next(self, queue: str, *, has_waited: bool) -> Claim | Full | None:
        """Claim the job whose turn it is in a queue; see `Ledger.claim_next`."""
        with self._handover.beginning():
            return self._ledger.claim_next(
                queue, worker=self._worker, pid=os.getpid(), has_waited=has_waited
            )

    def rise(self, woken: tuple[str, str] | None) -> Claim | Full | None:
        """Wait for jobs no more; see `Ledger.rise`."""
        with self._handover.beginning():
            return self._ledger.rise(worker=self._worker, pid=os.getpid(), woken=woken)

    def behind(self, lease: Lease, most: int) -> list[Claim]:
        """Claim jobs to be run here after the one of a lease, which runs; the keeper sees to them.

        Asked again, it returns those that were claimed before: nobody else knows of them.
        """
        if self._series is None:
            return []
        self._claimed_at = time.monotonic()
        with self._handover.beginning():
            if not self._series.begin(lease, 0):
                return []
            claims = self._ledger.claim_more(
                lease,
                most,
                worker=self._worker,
                pid=os.getpid(),
                one_in=ONE_IN if most > 1 else 1,
            )
            if claims:
                self._series.begin(lease, len(claims))
            else:
                self._series.end()
        return claims

    def goes_on(self, lease: Lease, left: int) -> bool:
        """Return whether one that was claimed behind another is to be run now, and note that.

        left: how many are behind it.
        """
        if self._series is None:
            return False
        with self._handover.beginning():
            is_fresh = time.monotonic() - self._claimed_at < FRESH_S
            return is_fresh and self._series.begin(lease, left)

    def hand_back(self, claims: Sequence[Claim]) -> None:
        """Have others run what was claimed behind another one."""
        leases = [claim.lease for claim in claims]
        self._ledger.hand_back(self._worker, leases, WAITED)

    def end(self) -> None:
        """Note that nothing is behind what runs."""
        if self._series is not None:
            self._series.end()
