"""What became of a task, as the event that tells it and the bytes that are stored."""

from __future__ import annotations

import traceback
from base64 import b64encode
from pathlib import Path
from typing import Any

import pydantic

from taskkit.ledger import StoredResult
from taskkit.protocol import wire
from taskkit.protocol.errors import BadSignature, CellFailed, PayloadTooLarge
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.exceptions import exception_name, exception_names
from taskkit.protocol.jobs import ErrorInfo, ResultInfo
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import INLINE_CHUNK_BYTES, INLINE_RESULT_BYTES, MAX_RESULT_BYTES
from taskkit.travel import cells, chunks, values
from taskkit.travel.blame import blame
from taskkit.travel.chunks import CallsFailed, Outcomes, Raised
from taskkit.travel.outgoing import Outgoing, size_bytes
from taskkit.travel.tables import table_of
from taskkit.travel.values import readable

from . import catalogue, limits, shipped

Outcome = tuple[JobSucceeded | JobFailed, StoredResult | None]

_BEFORE_THE_TASK = (
    *(str(module.__file__) for module in (catalogue, limits, shipped, cells, chunks)),
    __file__,
    str(Path(__file__).with_name("attempt.py")),
    str(Path(__file__).with_name("performance.py")),
    str(Path(pydantic.__file__).parent),
)
"""Where the frames between the worker and a task's own code are."""


def success(value: object, outgoing: Outgoing) -> Outcome:
    """Return the outcome of a task that returned `value`, whose large parts are kept.

    Raises:
        TypeError: It cannot be pickled.
        CallsFailed: It is of a chunk, and some of its values cannot be pickled.
        PayloadTooLarge: Where nobody keeps large parts, it takes more than `MAX_RESULT_BYTES`.
    """
    try:
        media_type, body, blobs = _encoded(value, outgoing)
    except Exception as error:  # noqa: BLE001  # the edge around user code
        if isinstance(value, Outcomes):
            raise _without_unpicklable(value) from None
        raise _unpicklable(value, error) from None
    if len(body) > MAX_RESULT_BYTES:
        size, limit = len(body) / 2**20, MAX_RESULT_BYTES // 2**20
        raise PayloadTooLarge(
            f"the result takes {size:.0f} MiB and may take {limit}: "
            "write it to a file that you can reach and return its path"
        )
    most = INLINE_CHUNK_BYTES if isinstance(value, Outcomes) else INLINE_RESULT_BYTES
    inline = b64encode(body).decode() if len(body) <= most else None
    info = ResultInfo(
        media_type=media_type,
        size_bytes=size_bytes(body),
        preview=values.preview(value),
        inline=inline,
        table=table_of(value),
    )
    return JobSucceeded(result=info), StoredResult(media_type=media_type, body=body, blobs=blobs)


def _encoded(value: object, outgoing: Outgoing) -> tuple[str, bytes, tuple[str, ...]]:
    if (body := values.as_json(value)) is not None:
        return wire.JSON, body, ()
    return wire.PICKLE, *outgoing.pickled(value)


def is_retried(error: BaseException | None, options: JobOptions) -> bool:
    """Return whether a job that ended with this is tried again where it has tries left."""
    if isinstance(error, CallsFailed):
        error = error.__cause__
    if isinstance(error, BadSignature):  # another attempt would find the same
        return False
    return isinstance(error, Exception) and options.retries_on(*exception_names(type(error)))


def failure(error: BaseException) -> Outcome:
    """Return the outcome of a task that raised `error`."""
    raised = told(error)
    body = raised.pickled
    stored = None if body is None else StoredResult(media_type=wire.PICKLE, body=body)
    return JobFailed(error=raised.error), stored


def told(error: BaseException) -> Raised:
    """Return an exception as it travels: in words, and itself where it can."""
    # Of a chunk's calls the first that failed says in words why the job did.
    cause = error.__cause__ if isinstance(error, CallsFailed) else None
    shown = cause or error
    info = ErrorInfo(
        type=exception_name(type(shown)),
        message=_message(shown)[:10_000],
        traceback=_traceback(shown)[-100_000:],
    )
    try:
        return Raised(info, values.encode_exception(error))
    except BaseException:  # noqa: BLE001  # an exception that cannot travel is told in words
        return Raised(info, None)


def _unpicklable(value: object, error: Exception) -> TypeError:
    kind = type(value).__name__
    where = blame(value, "the result", error, fate="be sent back", advice="Return what it holds.")
    return TypeError(f"the result, a {kind}, cannot be pickled: {where}")


def _without_unpicklable(outcomes: Outcomes) -> CallsFailed:
    """Return outcomes of which some cannot be pickled, with an error in the place of each."""
    first: Exception | None = None
    kept: list[Any] = []
    for value in outcomes.values:
        try:
            values.encode(value)
            kept.append(value)
        except Exception as error:  # noqa: BLE001  # the edge around user code
            wrong = _unpicklable(value, error)
            first = first or wrong
            kept.append(told(wrong))
    failed = CallsFailed(Outcomes(kept, outcomes.took_s))
    failed.__cause__ = first
    return failed


def _message(error: BaseException) -> str:
    try:
        return readable(str(error))
    except Exception:  # noqa: BLE001  # the edge around user code
        return "(its message cannot be had)"


def _traceback(error: BaseException) -> str:
    """Return the traceback from the user's code on, without the frames that led there."""
    if isinstance(error, CellFailed):  # whose own is the kernel's
        return readable(error.traceback)
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename.startswith(_BEFORE_THE_TASK):
        frame = frame.tb_next
    return readable("".join(traceback.format_exception(type(error), error, frame)))
