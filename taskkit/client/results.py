"""What a final record means for a future: a value or an exception."""

from __future__ import annotations

from base64 import b64decode
from typing import Any

from ..protocol.errors import JobLost, JobNotFound, RemoteError, RemoteTraceback, TaskkitError
from ..protocol.jobs import ErrorInfo, JobRecord
from ..travel import values
from .http import Http


def is_inline(record: JobRecord) -> bool:
    """Return whether the outcome is in the record itself."""
    return record.result is not None and record.result.inline is not None


def value_of(record: JobRecord, http: Http) -> Any:
    """Return a succeeded job's value, fetched where it is not inline."""
    info = record.result
    if info is None:
        raise TaskkitError(f"job {record.id} has no result")
    if info.inline is not None:
        return values.decode(info.media_type, b64decode(info.inline))
    media_type, body = http.fetch(f"/jobs/{record.id}/result")
    return values.decode(media_type, body)


def exception_of(record: JobRecord, http: Http) -> BaseException:
    """Return a failed job's own exception, or the nearest to it that can be had here."""
    error = record.error or ErrorInfo(type="taskkit.RemoteError", message="unknown")
    found = _own(record, http)
    if found is None and error.type == "taskkit.JobLost":
        return JobLost(f"job {record.id}: {error.message}")
    if found is None:
        found = RemoteError(f"{error.type}: {error.message}", type=error.type)
    if error.traceback:
        found.__cause__ = RemoteTraceback(error.traceback)
    return found


def _own(record: JobRecord, http: Http) -> BaseException | None:
    try:
        media_type, body = http.fetch(f"/jobs/{record.id}/error")
    except JobNotFound:
        return None
    try:
        found = values.decode(media_type, body)
    except Exception:  # noqa: BLE001  # its class may not exist in this kernel
        return None
    return found if isinstance(found, BaseException) else None
