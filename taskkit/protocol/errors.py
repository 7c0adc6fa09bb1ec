"""Everything that taskkit raises on purpose.

    TaskkitError
    ├── RequestError            you asked for something that cannot be; asking again changes nothing
    │   ├── Unauthorized            401  no token, or a wrong one
    │   ├── Forbidden               403  the token's scopes do not cover it
    │   ├── TaskNotFound            404
    │   ├── JobNotFound             404
    │   ├── TokenNotFound           404
    │   ├── ShareNotFound           404
    │   ├── EnvironmentNotFound     404  no worker is there that has it
    │   ├── FunctionNotFound        404  (the client answers it by sending the function)
    │   ├── BlobNotFound            404
    │   ├── JobNotFinished          409
    │   ├── JobNotFailed            409
    │   ├── OffsetMismatch          409  an upload goes on elsewhere than it ended
    │   ├── PythonMismatch          409
    │   ├── NoWorkerFits            409  and the job was to be refused then
    │   ├── PayloadTooLarge         413
    │   ├── KeyReused               422  the same idempotency key with another request
    │   ├── InvalidRequest          422
    │   │   └── InvalidArguments    422
    │   ├── StudyNotFound                found by the client, as the next one
    │   ├── StudyChanged                 it was begun with another function or another seed
    │   ├── Misconfigured                what taskkit is told does not hold; found before it starts
    │   └── CannotTravel                 an object that cannot be pickled; found before it is sent
    ├── ServiceError            the service cannot, at the moment
    │   ├── Unavailable             503
    │   │   ├── QuotaReached        429  the user has as much as one may have
    │   │   ├── TooManyRequests     429  the user asks too often
    │   │   └── DiskFull            507
    │   ├── BlobDamaged             422  bytes that do not have the digest they go by
    │   ├── BadSignature            422  what Redis keeps was not written by this service
    │   ├── NotReachable                 nothing answers at the address
    │   └── DecodeError                  the other side wrote what this side cannot read
    ├── JobLost                 the job's attempts died without an outcome
    ├── DependencyFailed        a job whose result it was to be given failed or was cancelled
    ├── JobTimedOut             an attempt ran longer than the job's `timeout_s`
    ├── CellFailed              a cell of a notebook that ran as a job failed
    └── RemoteError             the task's own exception, where it could not travel itself

A task's own exception is raised as itself, with `RemoteTraceback` as its cause. A cancelled job
raises `concurrent.futures.CancelledError`, a wait that ends too early the built-in `TimeoutError`.
Each class with a status travels as ``application/problem+json`` (RFC 9457) under its `code`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from .exceptions import exception_name


class TaskkitError(Exception):
    """Base of all errors of taskkit's own."""

    code: ClassVar[str] = "error"
    #: Stable word for programs; the message may change.
    status: ClassVar[int] = 500
    #: HTTP status it travels under.

    def __init__(self, message: str = "", **details: Any) -> None:
        super().__init__(message or (type(self).__doc__ or "").split("\n", 1)[0])
        self.details = details
        #: JSON-ready facts beside the message, e.g. ``nearest`` names.

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: what happened and what to do, not where taskkit noticed.

        Source: IPython, ``InteractiveShell.showtraceback``.
        """
        return [f"{type(self).__name__}: {self}"]


class RequestError(TaskkitError):
    """The request cannot be met, now or later."""

    code = "bad_request"
    status = 400


class Unauthorized(RequestError):
    """The token is missing or unknown."""

    code = "unauthorized"
    status = 401


class Forbidden(RequestError):
    """The token does not allow this."""

    code = "forbidden"
    status = 403


class TaskNotFound(RequestError):
    """No worker knows a task of this name."""

    code = "task_not_found"
    status = 404


class JobNotFound(RequestError):
    """There is no such job."""

    code = "job_not_found"
    status = 404


class TokenNotFound(RequestError):
    """There is no such token."""

    code = "token_not_found"
    status = 404


class ShareNotFound(RequestError):
    """There is no such share."""

    code = "share_not_found"
    status = 404


class EnvironmentNotFound(RequestError):
    """No worker is there that has this environment."""

    code = "environment_not_found"
    status = 404


class FunctionNotFound(RequestError):
    """The shipped function is not here; send it along."""

    code = "function_not_found"
    status = 404


class BlobNotFound(RequestError):
    """The blob is not here."""

    code = "blob_not_found"
    status = 404


class JobNotFinished(RequestError):
    """The job has no result yet."""

    code = "job_not_finished"
    status = 409


class JobNotFailed(RequestError):
    """The job may succeed still, or has: only one that failed or was cancelled is tried again."""

    code = "job_not_failed"
    status = 409


class KeyReused(RequestError):
    """The idempotency key belongs to another request."""

    code = "key_reused"
    status = 422


class OffsetMismatch(RequestError):
    """The part does not begin where what has come of the blob ends."""

    code = "offset_mismatch"
    status = 409


class PythonMismatch(RequestError):
    """No worker runs the Python minor version of this kernel."""

    code = "python_mismatch"
    status = 409


class NoWorkerFits(RequestError):
    """No worker is there that could run the job, which was to be refused then."""

    code = "no_worker_fits"
    status = 409


class PayloadTooLarge(RequestError):
    """The request is larger than the server takes."""

    code = "payload_too_large"
    status = 413


class InvalidRequest(RequestError):
    """The request does not have the form that the route asks for."""

    code = "invalid_request"
    status = 422


class InvalidArguments(InvalidRequest):
    """The arguments do not fit the task's parameters."""

    code = "invalid_arguments"


class Misconfigured(RequestError):
    """What taskkit is told by arguments, variables or its file cannot be."""

    code = "misconfigured"


class StudyNotFound(RequestError):
    """There is no study of this name, or what was known of it is not kept any more."""

    code = "study_not_found"


class StudyChanged(RequestError):
    """A study of this name is there, and was begun with another function or another seed."""

    code = "study_changed"


class CannotTravel(RequestError, TypeError):
    """An object cannot be pickled, so it cannot be sent to a worker."""

    code = "cannot_travel"


class ServiceError(TaskkitError):
    """The service cannot do it at the moment."""

    code = "service_error"


class Unavailable(ServiceError):
    """The service is not ready; try again later."""

    code = "unavailable"
    status = 503


class QuotaReached(Unavailable):
    """The user has as much as one user may have here; it is taken when that has become less."""

    code = "quota_reached"
    status = 429


class TooManyRequests(Unavailable):
    """The user asks too often; ask again after ``details["retry_after_s"]``."""

    code = "too_many_requests"
    status = 429


class DiskFull(Unavailable):
    """There is no room for it; make some, or try again later."""

    code = "disk_full"
    status = 507


class BlobDamaged(ServiceError):
    """The bytes of a blob are not those it was named for."""

    code = "blob_damaged"
    status = 422


class BadSignature(ServiceError):
    """What Redis keeps was not signed by this service's servers and workers."""

    code = "bad_signature"
    status = 422


class NotReachable(ServiceError, ConnectionError):
    """Nothing answers at the server's address."""

    code = "not_reachable"


class DecodeError(ServiceError, ValueError):
    """The other side wrote something that this side cannot read."""

    code = "undecodable"


NOT_AS_WRITTEN = (ValueError, KeyError, TypeError, AttributeError, RecursionError)
"""What comes up where foreign JSON is not as it should be; so who reads it says `DecodeError`."""


class JobLost(TaskkitError):
    """Every attempt of the job died without an outcome."""

    code = "job_lost"


class DependencyFailed(TaskkitError):
    """A job whose result this one was to be given failed, or was cancelled."""

    code = "dependency_failed"


class JobTimedOut(TaskkitError, TimeoutError):
    """An attempt ran longer than the job's options allow."""

    code = "job_timed_out"
    notebook: Any = None
    #: Of a notebook that ran as a job, an `ExecutedNotebook` of what was executed.


class CellFailed(TaskkitError):
    """A cell of a notebook raised an error, or the notebook's kernel died in it."""

    code = "cell_failed"
    notebook: Any = None
    #: An `ExecutedNotebook`, up to and with this cell.

    @property
    def cell(self) -> int:
        """The cell's number, that of its ``In [ ]``."""
        return int(self.details.get("cell", 0))

    @property
    def source(self) -> str:
        """The cell's source."""
        return str(self.details.get("source", ""))

    @property
    def traceback(self) -> str:
        """The kernel's traceback, without its colours."""
        return str(self.details.get("traceback", ""))

    def _render_traceback_(self) -> list[str]:
        """Return what IPython shows: the traceback in the notebook, too."""
        return [*super()._render_traceback_(), *filter(None, [self.traceback])]


class RemoteError(TaskkitError):
    """The task raised an exception that could not travel itself."""

    code = "remote_error"


class RemoteTraceback(Exception):
    """The worker's traceback, shown as the cause of the exception that the notebook sees."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text.rstrip()}\n"""'


def _with_status(cls: type[TaskkitError]) -> list[type[TaskkitError]]:
    found = [cls]
    for sub in cls.__subclasses__():
        found += _with_status(sub)
    return found


BY_CODE: dict[str, type[TaskkitError]] = {cls.code: cls for cls in _with_status(TaskkitError)}

BY_NAME: dict[str, type[TaskkitError]] = {exception_name(cls): cls for cls in BY_CODE.values()}
"""By what an `ErrorInfo` calls them, e.g. ``taskkit.JobLost``."""


def to_problem(error: TaskkitError) -> dict[str, Any]:
    """Return `error` as a problem object. Source: RFC 9457, section 3.1."""
    return {
        "type": f"urn:taskkit:problem:{error.code}",
        "title": (type(error).__doc__ or "").split("\n", 1)[0],
        "status": error.status,
        "detail": str(error),
        "code": error.code,
        **error.details,
    }


def from_problem(obj: Mapping[str, Any], status: int) -> TaskkitError:
    """Return the error that a problem object stands for; of an unknown code, its nearest kin."""
    detail = str(obj.get("detail") or obj.get("title") or f"the server answered {status}")
    known = {"type", "title", "status", "detail", "code"}
    details = {name: value for name, value in obj.items() if name not in known}
    if status == 500 and "request_id" in details:
        detail += f" (request {details['request_id']})"
    cls = BY_CODE.get(str(obj.get("code")))
    if cls is None:
        cls = RequestError if 400 <= status < 500 else ServiceError
    return cls(detail, **details)
