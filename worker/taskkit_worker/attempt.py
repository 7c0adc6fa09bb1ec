"""One attempt at a job, from claim to finish: `run_attempt` is what a worker does."""

from __future__ import annotations

import json
import logging
import os
import time
import traceback
from base64 import b64encode
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import pydantic

from taskkit.ledger import Claim, JobRef, Lease, Ledger, StoredResult, Write
from taskkit.protocol import wire
from taskkit.protocol.errors import JobTimedOut, PayloadTooLarge, PythonMismatch, Unavailable
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.exceptions import exception_name, exception_names
from taskkit.protocol.jobs import ErrorInfo, ResultInfo
from taskkit.protocol.spec import INLINE_RESULT_BYTES, MAX_RESULT_BYTES, JobSpec
from taskkit.travel import values
from taskkit.travel.functions import PYTHON_MINOR, unpickle
from taskkit.travel.values import readable

from . import catalogue, limits
from .catalogue import Catalogue
from .handover import Handover
from .interrupt import interruptible
from .limits import limited
from .reporter import Reporter
from .tree import end_descendants

logger = logging.getLogger(__name__)

_BEFORE_THE_TASK = (
    __file__,
    catalogue.__file__,
    limits.__file__,
    str(Path(pydantic.__file__).parent),
)
"""Where the frames between the worker and a task's own code are."""

T = TypeVar("T")
Final = tuple[JobSucceeded | JobFailed, StoredResult | None]
Outcome = tuple[JobSucceeded | JobFailed, StoredResult | None, BaseException | None]


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
    ) -> None:
        self._ledger = ledger
        self._handover = handover
        self._inquiry = inquiry
        #: Asked from a signal handler, when `ledger` may be in the midst of something.
        self._running: Lease | None = None
        self._catalogue = catalogue
        self._worker = worker
        self._reporter = Reporter(ledger)
        self._function = lru_cache(maxsize=64)(self._load)

    def run_attempt(self, ref: JobRef) -> None:
        """Claim the job, run its task and finish it; return at once where it is not to be had."""
        claim = _patiently(lambda: self._claim(ref))
        if claim is None:
            return
        try:
            self._run(claim)
        except Exception as error:  # the edge around one job: without an outcome it may not stay
            logger.exception("an attempt broke")
            cause = f"its outcome could not be reported ({type(error).__name__}: {error})"
            _patiently(lambda: self._ledger.lose(claim.lease, readable(cause)))
            _patiently(lambda: self._ledger.drop(self._worker, claim.lease))

    def _claim(self, ref: JobRef) -> Claim | None:
        with self._handover.beginning():
            return self._ledger.claim(ref, worker=self._worker, pid=os.getpid())

    def _run(self, claim: Claim) -> None:
        with self._reporter.reporting(claim.lease):
            outcome, result, error = self._perform(claim)
        if isinstance(error, KeyboardInterrupt | JobTimedOut):
            end_descendants()  # what was stopped could not stop them itself
        is_valid = _patiently(self._reporter.flush)
        if is_valid:
            is_retryable = isinstance(error, Exception) and claim.spec.options.retries_on(
                *exception_names(type(error))
            )
            answer = _patiently(
                lambda: self._ledger.finish(claim.lease, outcome, result, is_retryable=is_retryable)
            )
            is_valid = answer is not Write.FENCED
        if not is_valid:
            _patiently(lambda: self._ledger.drop(self._worker, claim.lease))

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

    def _perform(self, claim: Claim) -> Outcome:
        """Return what became of the task, and what it raised."""
        self._running = lease = claim.lease
        # For user code that wants to do something outside only once, and for its children.
        os.environ |= {"TASKKIT_JOB_ID": lease.ref.id, "TASKKIT_ATTEMPT": str(lease.token)}
        try:
            with interruptible(self.is_cancelled), limited(claim.spec.options):
                outcome, result = _success(self._call(claim.lease.ref.owner, claim.spec))
                return outcome, result, None
        except BaseException as error:  # noqa: BLE001  # the edge around user code
            outcome, result = _failure(error)
            return outcome, result, error

    def _call(self, owner: str, spec: JobSpec) -> Any:
        if spec.function is None:
            return self._catalogue.call(spec.task, json.loads(spec.arguments))
        if spec.python != PYTHON_MINOR:
            raise PythonMismatch(
                f"the function was pickled by Python {spec.python} and this worker runs "
                f"{PYTHON_MINOR}: start the notebook's kernel and the workers with the same version"
            )
        function = self._function(owner, spec.function)
        args, kwargs = unpickle(spec.payload)
        return function(*args, **kwargs)

    def _load(self, owner: str, digest: str) -> Callable[..., Any]:
        pickled = _patiently(lambda: self._ledger.function(owner, digest))
        if pickled is None:
            raise LookupError("the function is no longer in the ledger; submit the job again")
        function: Callable[..., Any] = unpickle(pickled)
        return function


def _success(value: object) -> Final:
    try:
        media_type, body = values.encode(value)
    except Exception as error:  # noqa: BLE001  # the edge around user code
        kind = type(value).__name__
        raise TypeError(f"the result, a {kind}, cannot be pickled: {error}") from None
    if len(body) > MAX_RESULT_BYTES:
        size, limit = len(body) / 2**20, MAX_RESULT_BYTES // 2**20
        raise PayloadTooLarge(
            f"the result takes {size:.0f} MiB and may take {limit}: "
            "write it to a file that you can reach and return its path"
        )
    inline = b64encode(body).decode() if len(body) <= INLINE_RESULT_BYTES else None
    info = ResultInfo(
        media_type=media_type,
        size_bytes=len(body),
        preview=values.preview(value),
        inline=inline,
    )
    return JobSucceeded(result=info), StoredResult(media_type=media_type, body=body)


def _failure(error: BaseException) -> Final:
    text = _traceback(error)
    info = ErrorInfo(
        type=exception_name(type(error)),
        message=_message(error)[:10_000],
        traceback=text[-100_000:],
    )
    try:
        media_type, body = wire.PICKLE, values.encode_exception(error)
    except Exception:  # noqa: BLE001  # an exception that cannot travel is told in words
        return JobFailed(error=info), None
    return JobFailed(error=info), StoredResult(media_type=media_type, body=body)


def _message(error: BaseException) -> str:
    try:
        return readable(str(error))
    except Exception:  # noqa: BLE001  # the edge around user code
        return "(its message cannot be had)"


def _traceback(error: BaseException) -> str:
    """Return the traceback from the user's code on, without the frames that led there."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename.startswith(_BEFORE_THE_TASK):
        frame = frame.tb_next
    return readable("".join(traceback.format_exception(type(error), error, frame)))


def _patiently(call: Callable[[], T]) -> T:
    """Return what `call` returns, however long the ledger cannot be reached."""
    wait_s = 0.05
    while True:
        try:
            return call()
        except Unavailable:
            time.sleep(wait_s)
            wait_s = min(2.0, 2 * wait_s)
