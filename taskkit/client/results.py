"""What a final record means for a future: a value or an exception."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from typing import Any

from ..blobs.store import Blobs
from ..protocol import wire
from ..protocol.errors import (
    BY_NAME,
    JobNotFound,
    NotReachable,
    RemoteError,
    RemoteTraceback,
    TaskkitError,
    Unavailable,
)
from ..protocol.jobs import ErrorInfo, JobRecord, JobState
from ..travel import values
from ..travel.classes import OWN_CLASSES
from ..travel.outgoing import arrived
from ..travel.sources import with_sources
from .http import Http

UNKNOWN = ErrorInfo(type="taskkit.RemoteError", message="nobody knows why it failed")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a future ends with: an error, or a value where there is none."""

    value: Any = None
    error: BaseException | None = None


def outcome_of(record: JobRecord, http: Http, blobs: Blobs) -> Outcome:
    """Return what a succeeded or failed job ended with, or the error of bringing it here.

    Raises:
        NotReachable, Unavailable: The server is away; ask again.
    """
    try:
        if record.state is JobState.SUCCEEDED:
            return Outcome(value_of(record, http, blobs))
        return Outcome(error=exception_of(record, http))
    except (NotReachable, Unavailable):
        raise
    except BaseException as error:  # noqa: BLE001  # the edge around loading what user code made
        return Outcome(error=error)


def is_inline(record: JobRecord) -> bool:
    """Return whether the outcome is in the record itself."""
    return record.result is not None and record.result.inline is not None


def value_of(record: JobRecord, http: Http, blobs: Blobs) -> Any:
    """Return a succeeded job's value, fetched where it is not inline."""
    info = record.result
    if info is None:
        raise TaskkitError(f"job {record.id} has no result")
    if info.inline is not None:
        media_type, body = info.media_type, b64decode(info.inline)
    else:
        media_type, body = http.fetch(f"/jobs/{record.id}/result")

    def load(pickled: bytes) -> Any:
        return arrived(pickled, blobs, OWN_CLASSES.load)

    return values.decode(media_type, body, load)


def exception_of(record: JobRecord, http: Http) -> BaseException:
    """Return a failed job's own exception, or the nearest to it that can be had here."""
    try:
        _, body = http.fetch(f"/jobs/{record.id}/error")
    except JobNotFound:
        body = None
    return raised(record.error or UNKNOWN, body, f"job {record.id}: ")


def raised(error: ErrorInfo, pickled: bytes | None, where: str = "") -> BaseException:
    """Return an exception as it travelled: itself if it can be had here, else in words."""
    found = _own(pickled)
    if found is None:
        found = _in_words(error, where)
    if error.traceback:
        found.__cause__ = RemoteTraceback(with_sources(error.traceback))
    return found


def in_words(record: JobRecord) -> TaskkitError:
    """Return what the record alone tells of a job's error: of taskkit's own, the class."""
    return _in_words(record.error or UNKNOWN, f"job {record.id}: ")


def _in_words(error: ErrorInfo, where: str) -> TaskkitError:
    if (own := BY_NAME.get(error.type)) is not None:
        return own(f"{where}{error.message}")
    return RemoteError(f"{error.type}: {error.message}", type=error.type)


def _own(pickled: bytes | None) -> BaseException | None:
    if pickled is None:
        return None
    try:
        found = values.decode(wire.PICKLE, pickled)
    except Exception:  # noqa: BLE001  # its class may not exist in this kernel
        return None
    return found if isinstance(found, BaseException) else None
