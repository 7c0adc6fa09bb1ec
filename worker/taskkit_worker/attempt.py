"""One attempt at a job, from claim to finish: what a pool process does."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from taskkit.ledger import Claim, Full, Lease, Ledger, Ran, Write
from taskkit.logs import about
from taskkit.protocol.errors import BadSignature
from taskkit.protocol.events import JobFailed
from taskkit.protocol.options import DEFAULT_QUEUE
from taskkit.protocol.signed_spec import open_spec
from taskkit.protocol.signing import Keyring
from taskkit.protocol.spec import let_go
from taskkit.tracing import Tracing
from taskkit.travel.values import readable

from .brief import Brief
from .fitness import Fitness
from .handover import Handover
from .outcome import failure
from .patience import patiently
from .performance import LostError, Performed, Performs
from .series import Series
from .traced import traced
from .unheard import Unheard

logger = logging.getLogger(__name__)

T = TypeVar("T")

ONE_IN = 4
"""The share of an owner's line, one in so many, that is claimed at once: at a line's end every
process has something to do."""

FRESH_S = 5.0
"""For how long after its claim a job of a series is begun without another question. Its lease lasts
longer, whatever becomes of the keeper."""

WAITED = "it waited behind another job, which took long"


class Attempts:
    """Runs attempts in one pool process, one after another."""

    def __init__(
        self,
        ledger: Ledger,
        performer: Performs,
        worker: str,
        *,
        handover: Handover,
        queues: Sequence[str] = (DEFAULT_QUEUE,),
        wait_s: float = 0.0,
        tracing: Tracing | None = None,
        keys: Keyring | None = None,
        fitness: Fitness | None = None,
        series: Series | None = None,
    ) -> None:
        self._series = series
        #: Where there is one, several brief jobs may be claimed at once.
        self._brief = Brief()
        self._following: Lease | None = None
        #: The job that was claimed as another one ended.
        self._claimed_at = 0.0
        #: Before the last series was asked for.
        self._unheard = Unheard(ledger, worker, self._lose_broken)
        self._fitness = fitness
        self._tracing = tracing
        self._ledger = ledger
        self._performer = performer
        self._keys = keys or Keyring()
        #: Verify that it was the server who has a job run; none where Redis is trusted.
        self._handover = handover
        self._worker = worker
        self._queues = queues
        self._wait_s = wait_s
        #: How long a job may be handed to this process when there is none after another one.

    def begin(self, queue: str, *, has_waited: bool = False) -> Claim | Full | None:
        """Claim the job whose turn it is in a queue; None where there is none.

        has_waited: for room, that is, and not by a wake-up.
        """
        return patiently(lambda: self._claim(queue, has_waited))

    def rise(self, woken: tuple[str, str] | None) -> Claim | Full | None:
        """Wait for jobs no more; return the one that was handed over until now, if any.

        woken: a queue in which a job waits and the message that told of it; else that is claimed.
        """
        return patiently(lambda: self._rise(woken))

    def run(self, claim: Claim, wants_another: Callable[[], bool]) -> Claim | Full | None:
        """Run what was claimed, and finish it; return what was claimed with that.

        Where it is brief and more like it wait, they are claimed and run one after another.

        Asked when the task has ended, `wants_another` says whether anything shall be. Where it was
        wanted and there was nothing, a job may be handed to this process: whoever called must wait
        for it, and `rise`.
        """
        more = self._claim_more(claim)
        if not more:
            return self._run_last(claim, wants_another)
        return self._run_series(deque([claim, *more]), wants_another)

    def _claim_more(self, claim: Claim) -> list[Claim]:
        series, most = self._series, self._brief.most(claim)
        # Where it did not follow another at once, none waits behind it: a lone job is not held up.
        if series is None or most < 1 or claim.lease != self._following:
            return []

        def ask() -> list[Claim]:
            self._claimed_at = time.monotonic()
            with self._handover.beginning():
                if not series.begin(claim.lease, 0):
                    return []
                return self._ledger.claim_more(
                    claim.lease, most, worker=self._worker, pid=os.getpid(), one_in=ONE_IN
                )

        more = patiently(ask)
        if not more:
            series.end()
        return more

    def _run_series(
        self, claims: deque[Claim], wants_another: Callable[[], bool]
    ) -> Claim | Full | None:
        """Run several, each finished as it ends; what becomes of that is heard after the last."""
        assert self._series is not None  # noqa: S101
        another = None
        try:
            while claims:
                claim = claims.popleft()
                if not self._goes_on(self._series, claim.lease, left=len(claims)):
                    self._hand_back([claim, *claims])
                    break
                if claims:
                    self._attempt(claim, partial(self._send, claim))
                else:
                    another = self._run_last(claim, wants_another)
        finally:
            self._series.end()
            patiently(self._unheard.hear)
        return another

    def _send(self, claim: Claim, performed: Performed) -> None:
        self._unheard.send(claim.lease, performed, _ran(claim, performed))

    def _hand_back(self, claims: Sequence[Claim]) -> None:
        leases = [claim.lease for claim in claims]
        patiently(lambda: self._ledger.hand_back(self._worker, leases, WAITED))

    def _goes_on(self, series: Series, lease: Lease, left: int) -> bool:
        """Return whether a job that was claimed with others is to be run now, and note that."""
        with self._handover.beginning():
            is_fresh = time.monotonic() - self._claimed_at < FRESH_S
            return is_fresh and series.begin(lease, left)

    def _run_last(self, claim: Claim, wants_another: Callable[[], bool]) -> Claim | Full | None:
        return self._attempt(claim, lambda performed: self._end(claim, performed, wants_another))

    def _attempt(self, claim: Claim, end: Callable[[Performed], T]) -> T | None:
        """Run what was claimed; return what `end` does with how it ended, where anybody wants it.

        An attempt that has no such end is lost.
        """
        ref, token = claim.lease
        with about(user=ref.owner, job=ref.id, attempt=token):
            try:
                if self._has_given_back(claim):
                    return None
                performed = self._traced(claim)
                if performed.is_wanted:
                    return end(performed)
                patiently(lambda: self._ledger.drop(self._worker, claim.lease))
            except LostError as lost:
                logger.warning("an attempt is lost: %s", lost)
                self._lose(claim.lease, str(lost))
            except Exception as error:  # noqa: BLE001  # the edge around one job
                self._lose_broken(claim.lease, error)
        return None

    def _has_given_back(self, claim: Claim) -> bool:
        """Give a job back that cannot run in this environment, for another worker."""
        lease, fitness = claim.lease, self._fitness
        if fitness is None:
            return False
        found = patiently(lambda: fitness.lacking(lease.ref, claim.spec))
        if found is None or not self._is_genuine(claim):
            return False
        needs, why = found
        logger.info("a job is given back: it %s", why)
        patiently(lambda: self._ledger.give_back(lease, f"it {why}", needs))
        patiently(lambda: self._ledger.drop(self._worker, lease))
        return True

    def _is_genuine(self, claim: Claim) -> bool:
        """Return whether a job is as the server has signed it; another one fails when it is run."""
        try:
            open_spec(claim.spec, claim.lease.ref.owner, self._keys)
        except BadSignature:
            return False
        return True

    def _lose_broken(self, lease: Lease, error: Exception) -> None:
        logger.exception("an attempt broke")
        cause = f"its outcome could not be reported ({type(error).__name__}: {error})"
        self._lose(lease, readable(cause))

    def _lose(self, lease: Lease, cause: str) -> None:
        patiently(lambda: self._ledger.lose(lease, cause))
        patiently(lambda: self._ledger.drop(self._worker, lease))

    def _claim(self, queue: str, has_waited: bool) -> Claim | Full | None:
        with self._handover.beginning():
            return self._ledger.claim_next(
                queue, worker=self._worker, pid=os.getpid(), has_waited=has_waited
            )

    def _rise(self, woken: tuple[str, str] | None) -> Claim | Full | None:
        with self._handover.beginning():
            return self._ledger.rise(worker=self._worker, pid=os.getpid(), woken=woken)

    def _traced(self, claim: Claim) -> Performed:
        with traced(self._tracing, self._ledger, claim) as tell:
            began = time.monotonic()
            performed = self._perform(claim)
            self._brief.note(claim, time.monotonic() - began)
            outcome = performed.outcome
            tell(outcome.error.type if isinstance(outcome, JobFailed) else None)
        if isinstance(outcome, JobFailed) and performed.is_wanted:
            # Its type alone: a message may hold what is nobody's business but the user's.
            logger.info("an attempt failed: %s", outcome.error.type)
        return performed

    def _end(
        self, claim: Claim, performed: Performed, wants_another: Callable[[], bool]
    ) -> Claim | Full | None:
        # Asked once: a call that is repeated must be the same, or what was claimed is left.
        is_wanted, is_repeated = wants_another(), False
        ran = _ran(claim, performed)

        def finish() -> tuple[Write, Claim | Full | None]:
            nonlocal is_repeated
            if is_repeated:  # what this process holds then is what was claimed, and nothing else
                self._unheard.hear()
            is_repeated = True
            return self._finish(claim.lease, performed, ran, is_wanted)

        answer, another = patiently(finish)
        if answer is Write.FENCED:
            patiently(lambda: self._ledger.drop(self._worker, claim.lease))
        self._following = another.lease if isinstance(another, Claim) else None
        return another

    def _perform(self, claim: Claim) -> Performed:
        try:
            spec = open_spec(claim.spec, claim.lease.ref.owner, self._keys)
        except BadSignature as error:  # another attempt would find the same
            return Performed(*failure(error), is_retryable=False)
        return self._performer.perform(replace(claim, spec=spec))

    def _finish(
        self, lease: Lease, performed: Performed, ran: Ran, is_wanted: bool
    ) -> tuple[Write, Claim | Full | None]:
        outcome, result, is_retryable, *_ = performed
        if not is_wanted:
            finish = self._ledger.finish
            return finish(lease, outcome, result, is_retryable=is_retryable, ran=ran), None
        with self._handover.beginning():
            return self._ledger.finish_and_claim(
                lease,
                outcome,
                result,
                is_retryable=is_retryable,
                ran=ran,
                worker=self._worker,
                pid=os.getpid(),
                queues=self._queues,
                wait_s=self._wait_s,
            )


def _ran(claim: Claim, performed: Performed) -> Ran:
    return Ran(sheets=performed.sheets, arguments=let_go(claim.spec))
