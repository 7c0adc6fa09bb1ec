"""One attempt at a job, from claim to finish: what a pool process does."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import replace

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

from .fitness import Fitness
from .handover import Handover
from .outcome import failure
from .patience import patiently
from .performance import LostError, Performed, Performs
from .traced import traced

logger = logging.getLogger(__name__)


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
    ) -> None:
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

        Asked when the task has ended, `wants_another` says whether anything shall be. Where it was
        wanted and there was nothing, a job may be handed to this process: whoever called must wait
        for it, and `rise`.
        """
        ref, token = claim.lease
        with about(user=ref.owner, job=ref.id, attempt=token):
            return self._run_or_lose(claim, wants_another)

    def _run_or_lose(self, claim: Claim, wants_another: Callable[[], bool]) -> Claim | Full | None:
        try:
            if self._has_given_back(claim):
                return None
            return self._run(claim, wants_another)
        except LostError as lost:
            logger.warning("an attempt is lost: %s", lost)
            self._lose(claim.lease, str(lost))
        except Exception as error:  # the edge around one job: without an outcome it may not stay
            logger.exception("an attempt broke")
            cause = f"its outcome could not be reported ({type(error).__name__}: {error})"
            self._lose(claim.lease, readable(cause))
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

    def _run(self, claim: Claim, wants_another: Callable[[], bool]) -> Claim | Full | None:
        with traced(self._tracing, self._ledger, claim) as tell:
            performed = self._perform(claim)
            outcome = performed.outcome
            tell(outcome.error.type if isinstance(outcome, JobFailed) else None)
        another = None
        is_valid = performed.is_wanted
        if is_valid:
            # Asked once: a call that is repeated must be the same, or what was claimed is left.
            is_wanted = wants_another()
            ran = Ran(sheets=performed.sheets, arguments=let_go(claim.spec))
            answer, another = patiently(
                lambda: self._finish(claim.lease, performed, ran, is_wanted)
            )
            is_valid = answer is not Write.FENCED
            if isinstance(outcome, JobFailed):
                # Its type alone: a message may hold what is nobody's business but the user's.
                logger.info("an attempt failed: %s", outcome.error.type)
        if not is_valid:
            patiently(lambda: self._ledger.drop(self._worker, claim.lease))
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
