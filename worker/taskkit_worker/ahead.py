"""Claims the next job a moment before the one that runs ends, so that its process need not wait.

Between the end of a job and the beginning of the next one lies a question to the ledger, 1 to 3 ms,
of which a job of 50 ms feels every one. Asked while the job still runs, it costs nothing; asked no
sooner than it takes, it lets no other process idle, and the next job counts as begun hardly before
it is.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from taskkit.ledger import Claim, Lease

from .patience import patiently

logger = logging.getLogger(__name__)

LEAST_LEAD_S, MOST_LEAD_S = 0.002, 0.01
"""How long before a job's end the next one is claimed: as long as that took the last time, and half
of it more. A job that keeps the interpreter to itself makes it long."""


class Ahead:
    """One a pool process; its thread sleeps while nothing is to be claimed."""

    def __init__(self, claim: Callable[[Lease], list[Claim]]) -> None:
        self._claim = claim
        #: Claim what is to run after the job of a lease; asked again, returns the same.
        self._changed = threading.Condition()
        self._armed: Lease | None = None
        #: The job that runs, where the next one is to be claimed.
        self._due_at = 0.0
        self._asks: Lease | None = None
        #: What the thread asks for at the moment.
        self._found: tuple[Lease, list[Claim] | None] | None = None
        #: What it has found; None where it does not know.
        self._lead_s = MOST_LEAD_S / 2
        self._thread: threading.Thread | None = None

    def arm(self, lease: Lease, ends_in_s: float) -> None:
        """Have the next job be claimed shortly before the one of a lease, which begins now, ends.

        ends_in_s: after what time that is, as far as one can tell.
        """
        with self._changed:
            self._armed, self._due_at = lease, time.monotonic() + ends_in_s - self._lead_s
            self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="taskkit-ahead", daemon=True)
            self._thread.start()

    def settle(self) -> list[Claim]:
        """Return what was claimed since `arm`; nothing is any more."""
        with self._changed:
            self._armed = None
            while self._asks is not None:
                self._changed.wait()
            found, self._found = self._found, None
        if found is None:
            return []
        lease, claims = found
        return patiently(lambda: self._claim(lease)) if claims is None else claims

    def _run(self) -> None:
        while True:
            lease, claims = self._wait_until_due(), None
            began = time.monotonic()
            try:
                claims = self._claim(lease)
            except Exception as error:  # noqa: BLE001  # the edge of this thread; asked again
                logger.info("the next job is claimed when this one has ended: %s", error)
            took_s = time.monotonic() - began
            with self._changed:
                self._lead_s = min(MOST_LEAD_S, max(LEAST_LEAD_S, 1.5 * took_s))
                self._asks, self._found = None, (lease, claims)
                self._changed.notify_all()

    def _wait_until_due(self) -> Lease:
        with self._changed:
            while True:
                if self._armed is None:
                    self._changed.wait()
                elif (left_s := self._due_at - time.monotonic()) > 0:
                    self._changed.wait(left_s)
                else:
                    self._asks, self._armed = self._armed, None
                    return self._asks
