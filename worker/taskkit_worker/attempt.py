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
from taskkit.protocol.signing import Keyring
from taskkit.protocol.spec import let_go
from taskkit.tracing import Tracing
from taskkit.travel.values import readable

from .ahead import Ahead
from .claiming import Claiming
from .fitness import Fitness
from .genuine import Genuine
from .handover import Handover
from .lengths import Lengths
from .outcome import failure
from .patience import patiently
from .performance import LostError, Performed, Performs
from .series import Series
from .traced import traced
from .unheard import Unheard

logger = logging.getLogger(__name__)

T = TypeVar("T")


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
        self._claiming = Claiming(ledger, worker, handover, series)
        self._lengths = Lengths()
        self._ahead = Ahead(self._look_ahead)
        self._following: Lease | None = None
        #: The job that was claimed as another one ended, or before it did.
        self._early: Lease | None = None
        #: The latter.
        self._unheard = Unheard(ledger, worker, self._lose_broken)
        self._fitness = fitness
        self._tracing = tracing
        self._ledger = ledger
        self._performer = performer
        self._genuine = Genuine(keys or Keyring())
        #: Where there are no keys Redis is trusted.
        self._handover = handover
        self._worker = worker
        self._queues = queues
        self._wait_s = wait_s
        #: How long a job may be handed to this process when there is none after another one.

    def begin(self, queue: str, *, has_waited: bool = False) -> Claim | Full | None:
        """Claim the job whose turn it is in a queue; None where there is none.

        has_waited: for room, that is, and not by a wake-up.
        """
        return patiently(lambda: self._claiming.next(queue, has_waited=has_waited))

    def rise(self, woken: tuple[str, str] | None) -> Claim | Full | None:
        """Wait for jobs no more; return the one that was handed over until now, if any.

        woken: a queue in which a job waits and the message that told of it; else that is claimed.
        """
        return patiently(lambda: self._claiming.rise(woken))

    def run(self, claim: Claim, wants_another: Callable[[], bool]) -> Claim | Full | None:
        """Run what was claimed, and finish it; return what was claimed with that.

        Where it is brief and more like it wait, they are claimed and run one after another; where
        one can tell when it ends, the next is claimed before that.

        Asked when the task has ended, `wants_another` says whether anything shall be. Where it was
        wanted and there was nothing, a job may be handed to this process: whoever called must wait
        for it, and `rise`.
        """
        if not self._is_to_be_run(claim):
            return None
        more = self._claim_more(claim)
        try:
            if more:
                return self._run_series(deque([claim, *more]), wants_another)
            self._arm(claim, wants_another)
            another = self._run_last(claim, wants_another)
            # An attempt that has no end leaves what is behind it.
            return self._settle() if another is None else another
        finally:
            if self._early is None:
                self._claiming.end()
                patiently(self._unheard.hear)

    def _is_to_be_run(self, claim: Claim) -> bool:
        """Return whether a job is to be run still; where it was claimed early, it may not be."""
        early, self._early = self._early, None
        if claim.lease != early or self._claiming.goes_on(claim.lease, left=0):
            return True
        self._hand_back([claim])
        self._claiming.end()
        patiently(self._unheard.hear)
        return False

    def _claim_more(self, claim: Claim) -> list[Claim]:
        most = self._lengths.most(claim)
        # Where it did not follow another at once, none waits behind it: a lone job is not held up.
        if most < 1 or claim.lease != self._following:
            return []
        return patiently(lambda: self._claiming.behind(claim.lease, most))

    def _arm(self, claim: Claim, wants_another: Callable[[], bool]) -> None:
        """Have the next job be claimed before this one ends, where that can be told."""
        ends_in_s = self._lengths.ends_in_s(claim)
        if ends_in_s is None or claim.lease != self._following:
            return
        if self._claiming.is_of_several and wants_another():
            self._ahead.arm(claim.lease, ends_in_s)

    def _look_ahead(self, lease: Lease) -> list[Claim]:
        """Claim what is to be run after a job that runs, and do what can be done before.

        In another thread, while it runs: whoever touches the same must `_settle` before.
        """
        self._unheard.hear()  # of the one before, so that no more than one is unheard
        claims = self._claiming.behind(lease, 1)
        for claim in claims:
            self._genuine.is_so(claim)
        return claims

    def _settle(self) -> Claim | None:
        """Return what was claimed before the end of a job that was run last."""
        claims = self._ahead.settle()
        if not claims:
            return None
        early, *others = claims
        if others:
            self._hand_back(others)
        self._early = self._following = early.lease
        return early

    def _run_series(
        self, claims: deque[Claim], wants_another: Callable[[], bool]
    ) -> Claim | Full | None:
        """Run several, each finished as it ends; what becomes of that is heard after the last."""
        while claims:
            claim = claims.popleft()
            if not self._claiming.goes_on(claim.lease, left=len(claims)):
                self._hand_back([claim, *claims])
                break
            if not claims:
                return self._run_last(claim, wants_another)
            self._attempt(claim, partial(self._send, claim))
        return None

    def _send(self, claim: Claim, performed: Performed) -> None:
        self._unheard.send(claim.lease, performed, _ran(claim, performed))

    def _hand_back(self, claims: Sequence[Claim]) -> None:
        patiently(lambda: self._claiming.hand_back(claims))

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
        if found is None or not self._genuine.is_so(claim):
            return False
        needs, why = found
        logger.info("a job is given back: it %s", why)
        patiently(lambda: self._ledger.give_back(lease, f"it {why}", needs))
        patiently(lambda: self._ledger.drop(self._worker, lease))
        return True

    def _lose_broken(self, lease: Lease, error: Exception) -> None:
        logger.exception("an attempt broke")
        cause = f"its outcome could not be reported ({type(error).__name__}: {error})"
        self._lose(lease, readable(cause))

    def _lose(self, lease: Lease, cause: str) -> None:
        patiently(lambda: self._ledger.lose(lease, cause))
        patiently(lambda: self._ledger.drop(self._worker, lease))

    def _traced(self, claim: Claim) -> Performed:
        with traced(self._tracing, self._ledger, claim) as tell:
            began = time.monotonic()
            performed = self._perform(claim)
            self._lengths.note(claim, time.monotonic() - began)
            outcome = performed.outcome
            tell(outcome.error.type if isinstance(outcome, JobFailed) else None)
        if isinstance(outcome, JobFailed) and performed.is_wanted:
            # Its type alone: a message may hold what is nobody's business but the user's.
            logger.info("an attempt failed: %s", outcome.error.type)
        return performed

    def _end(
        self, claim: Claim, performed: Performed, wants_another: Callable[[], bool]
    ) -> Claim | Full | None:
        early = self._settle()
        if early is not None:
            self._send(claim, performed)
            return early
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
            spec = self._genuine.spec(claim)
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
