"""One attempt at a job, from claim to finish: what a pool process does."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from taskkit.ledger import Claim, Lease, Ledger, StoredResult, Write
from taskkit.logs import about
from taskkit.protocol.errors import JobTimedOut
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.options import DEFAULT_QUEUE
from taskkit.protocol.signed_spec import open_spec
from taskkit.protocol.signing import Keyring
from taskkit.protocol.spec import JobSpec
from taskkit.tracing import Tracing
from taskkit.travel.outgoing import Outgoing
from taskkit.travel.values import readable

from .catalogue import Catalogue
from .handover import Handover
from .interrupt import interruptible
from .limits import limited
from .outcome import Outcome, failure, is_retried, success, told
from .owned_blobs import OwnedBlobs
from .patience import patiently
from .reporter import Reporter
from .shipped import ShippedFunctions
from .traced import traced
from .tree import end_descendants

logger = logging.getLogger(__name__)


class Ending(NamedTuple):
    """How an attempt ended, as the ledger is told."""

    lease: Lease
    outcome: JobSucceeded | JobFailed
    result: StoredResult | None
    is_retryable: bool


class Attempts:
    """Runs attempts in one pool process, one after another."""

    def __init__(
        self,
        ledger: Ledger,
        catalogue: Catalogue,
        worker: str,
        *,
        inquiry: Ledger,
        handover: Handover,
        blobs: OwnedBlobs,
        queues: Sequence[str] = (DEFAULT_QUEUE,),
        wait_s: float = 0.0,
        tracing: Tracing | None = None,
        keys: Keyring | None = None,
    ) -> None:
        self._tracing = tracing
        self._ledger = ledger
        self._keys = keys or Keyring()
        #: Verify that it was the server who has a job run; none where Redis is trusted.
        self._handover = handover
        self._inquiry = inquiry
        #: Asked from a signal handler, when `ledger` may be in the midst of something.
        self._running: Lease | None = None
        self._catalogue = catalogue
        self._worker = worker
        self._queues = queues
        self._wait_s = wait_s
        #: How long a job may be handed to this process when there is none after another one.
        self._reporter = Reporter(ledger, blobs)
        self._blobs = blobs
        self._shipped = ShippedFunctions(
            lambda owner, digest: patiently(lambda: ledger.function(owner, digest)),
            lambda ref: patiently(lambda: ledger.result(ref)),
            blobs,
            told,
        )

    def begin(self, queue: str) -> Claim | None:
        """Claim the job whose turn it is in a queue; None where there is none."""
        return patiently(lambda: self._claim(queue))

    def rise(self, woken: tuple[str, str] | None) -> Claim | None:
        """Wait for jobs no more; return the one that was handed over until now, if any.

        woken: a queue in which a job waits and the message that told of it; else that is claimed.
        """
        return patiently(lambda: self._rise(woken))

    def run(self, claim: Claim, wants_another: Callable[[], bool]) -> Claim | None:
        """Run what was claimed, and finish it; return what was claimed with that.

        Asked when the task has ended, `wants_another` says whether anything shall be. Where it was
        wanted and there was nothing, a job may be handed to this process: whoever called must wait
        for it, and `rise`.
        """
        ref, token = claim.lease
        with about(user=ref.owner, job=ref.id, attempt=token):
            return self._run_or_lose(claim, wants_another)

    def _run_or_lose(self, claim: Claim, wants_another: Callable[[], bool]) -> Claim | None:
        lease = claim.lease
        try:
            return self._run(claim, wants_another)
        except Exception as error:  # the edge around one job: without an outcome it may not stay
            logger.exception("an attempt broke")
            cause = f"its outcome could not be reported ({type(error).__name__}: {error})"
            patiently(lambda: self._ledger.lose(lease, readable(cause)))
            patiently(lambda: self._ledger.drop(self._worker, lease))
            return None

    def _claim(self, queue: str) -> Claim | None:
        with self._handover.beginning():
            return self._ledger.claim_next(queue, worker=self._worker, pid=os.getpid())

    def _rise(self, woken: tuple[str, str] | None) -> Claim | None:
        with self._handover.beginning():
            return self._ledger.rise(worker=self._worker, pid=os.getpid(), woken=woken)

    def _run(self, claim: Claim, wants_another: Callable[[], bool]) -> Claim | None:
        with (
            traced(self._tracing, self._ledger, claim) as tell,
            self._reporter.reporting(claim.lease),
        ):
            (outcome, result), error = self._perform(claim)
            tell(error)
        if isinstance(error, KeyboardInterrupt | JobTimedOut):
            end_descendants()  # what was stopped could not stop them itself
        is_retryable = is_retried(error, claim.spec.options)
        del error  # it holds the frames that it came through, this one among them
        another = None
        is_valid = patiently(self._reporter.flush)
        if is_valid:
            ending = Ending(claim.lease, outcome, result, is_retryable)
            # Asked once: a call that is repeated must be the same, or what was claimed is left.
            is_wanted = wants_another()
            answer, another = patiently(lambda: self._finish(ending, is_wanted))
            is_valid = answer is not Write.FENCED
            if isinstance(outcome, JobFailed):
                # Its type alone: a message may hold what is nobody's business but the user's.
                logger.info("an attempt failed: %s", outcome.error.type)
        if not is_valid:
            patiently(lambda: self._ledger.drop(self._worker, claim.lease))
        return another

    def _finish(self, ending: Ending, is_wanted: bool) -> tuple[Write, Claim | None]:
        lease, outcome, result, is_retryable = ending
        if not is_wanted:
            finish = self._ledger.finish
            return finish(lease, outcome, result, is_retryable=is_retryable), None
        with self._handover.beginning():
            return self._ledger.finish_and_claim(
                lease,
                outcome,
                result,
                is_retryable=is_retryable,
                worker=self._worker,
                pid=os.getpid(),
                queues=self._queues,
                wait_s=self._wait_s,
            )

    def is_cancelled(self) -> bool:
        """Return whether the lease of the job that runs is no longer valid; for a signal handler.

        Raises:
            Unavailable: The ledger does not answer.
        """
        lease = self._running
        if lease is None:
            return False
        record = self._inquiry.job(lease.ref)
        return record is None or record.is_final or record.attempt != lease.token

    def _perform(self, claim: Claim) -> tuple[Outcome, BaseException | None]:
        """Return what became of the task, and what it raised."""
        self._running = lease = claim.lease
        # For user code that wants to do something outside only once, and for its children.
        os.environ |= {"TASKKIT_JOB_ID": lease.ref.id, "TASKKIT_ATTEMPT": str(lease.token)}
        try:
            with interruptible(self.is_cancelled), limited(claim.spec.options):
                value = self._call(lease.ref.owner, claim.spec)
                # A disk that is full is waited for like a ledger that is away: the work is done.
                outgoing = Outgoing(self._blobs.patient(lease.ref.owner))
                return success(value, outgoing), None
        except BaseException as error:  # noqa: BLE001  # the edge around user code
            return failure(error), error

    def _call(self, owner: str, spec: JobSpec) -> Any:
        spec = open_spec(spec, owner, self._keys)
        if spec.function is None:
            return self._catalogue.call(spec.task, json.loads(spec.arguments))
        return self._shipped.call(owner, spec.function, spec)
