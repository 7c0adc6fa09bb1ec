"""A task's run within this process: what it needs, and what became of it.

Whoever performs a job needs little from outside: somebody who takes what it says, one who brings
functions and results of other jobs, and one who keeps what is large. So it may be another process.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from taskkit.integrations.cores import using
from taskkit.ledger import Claim, JobRef, Lease, Ledger, Sheet, StoredResult
from taskkit.protocol.errors import JobTimedOut
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.spec import JobSpec
from taskkit.travel.outgoing import Outgoing

from .catalogue import Catalogue
from .interrupt import interruptible
from .limits import limited
from .outcome import Outcome, failure, is_retried, success, told
from .owns_blobs import OwnsBlobs
from .patience import patiently
from .reporter import Reporter, Takes
from .shipped import ShippedFunctions
from .surroundings import Surroundings
from .tree import end_descendants

logger = logging.getLogger(__name__)


class Performed(NamedTuple):
    """How a task ended."""

    outcome: JobSucceeded | JobFailed
    result: StoredResult | None
    is_retryable: bool
    is_wanted: bool = True
    #: Whether the attempt's lease still held when it said its last.
    sheets: tuple[Sheet, ...] = ()
    #: What it ran in, and of a named task what it ran.


class LostError(Exception):
    """A job's own process died; the words say of what."""


class Performs(Protocol):
    """See `Here`."""

    def perform(self, claim: Claim) -> Performed:
        """Run the task of a claim whose spec was verified, and report all that it says.

        Raises:
            LostError: It has died before it had an outcome.
        """


class Source(Protocol):
    """Where what a job is made of comes from."""

    def function(self, owner: str, digest: str) -> bytes | None:
        """Return a shipped function's pickle, verified; None where it is no longer kept."""

    def result(self, ref: JobRef) -> StoredResult | None:
        """Return what a job has returned, verified; None where it is no longer kept."""


class Inquiry:
    """Asks the ledger from a signal handler, when another may be in the midst of something."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def is_over(self, lease: Lease) -> bool:
        """Return whether a lease is no longer valid.

        Raises:
            Unavailable: The ledger does not answer.
        """
        record = self._ledger.job(lease.ref)
        return record is None or record.is_final or record.attempt != lease.token


class Here:
    """Performs in this process, one job after another."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        reports: Takes,
        source: Source,
        blobs: OwnsBlobs,
        is_over: Callable[[Lease], bool],
        cpu_s: float | None = None,
        end_children: Callable[[], None] = end_descendants,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._surroundings = surroundings or Surroundings()
        self._cpu_s = cpu_s
        #: How much CPU time a job may take.
        self._catalogue = catalogue
        self._blobs = blobs
        self._is_over = is_over
        #: Says whether a job shall be interrupted; asked from a signal handler.
        self._end_children = end_children
        #: End what a job that was stopped has left; all that this process started, in a pool's.
        self._reporter = Reporter(reports, blobs)
        self._shipped = ShippedFunctions(
            lambda owner, digest: patiently(lambda: source.function(owner, digest)),
            lambda ref: patiently(lambda: source.result(ref)),
            blobs,
            told,
        )

    def perform(self, claim: Claim) -> Performed:
        """Run the task in this thread; see `Performs`."""
        with self._reporter.reporting(claim.lease):
            (outcome, result), error = self._outcome(claim)
        if isinstance(error, KeyboardInterrupt | JobTimedOut):
            self._end_children()  # what was stopped could not stop them itself
        is_retryable = is_retried(error, claim.spec.options)
        del error  # it holds the frames that it came through, this one among them
        is_wanted = patiently(self._reporter.flush)
        return Performed(outcome, result, is_retryable, is_wanted, self._sheets(claim.spec))

    def _sheets(self, spec: JobSpec) -> tuple[Sheet, ...]:
        try:
            environment = self._surroundings.environment()
            if spec.function is not None:
                return (environment,)
            function = self._catalogue.function(spec.task)
            if function is None:
                return (environment,)
            return environment, self._surroundings.code(spec.task, function)
        except Exception:  # the edge around modules of the user's
            logger.exception("nothing can be told of what a job ran in")
            return ()

    def _outcome(self, claim: Claim) -> tuple[Outcome, BaseException | None]:
        """Return what became of the task, and what it raised."""
        lease = claim.lease
        # For user code that wants to do something outside only once, and for its children.
        os.environ["TASKKIT_JOB_ID"] = lease.ref.id
        os.environ["TASKKIT_ATTEMPT"] = str(lease.token)
        try:
            with (
                interruptible(lambda: self._is_over(lease)),
                limited(claim.spec.options, self._cpu_s),
                using(claim.spec.options.cpus),
            ):
                value = self._call(lease.ref.owner, claim.spec)
                # A disk that is full is waited for like a ledger that is away: the work is done.
                outgoing = Outgoing(self._blobs.patient(lease.ref.owner), is_new=True)
                return success(value, outgoing), None
        except BaseException as error:  # noqa: BLE001  # the edge around user code
            return failure(error), error

    def _call(self, owner: str, spec: JobSpec) -> Any:
        if spec.function is None:
            return self._catalogue.call(spec.task, json.loads(spec.arguments))
        return self._shipped.call(owner, spec.function, spec)
