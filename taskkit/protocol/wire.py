"""Events and records as JSON, and back.

Readers are tolerant of what is added (unknown fields are dropped, unknown events become a bare
`Event`) and strict about what is there: a missing or misplaced field raises `DecodeError`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, asdict, fields
from functools import cache
from typing import Any, TypeVar

from .errors import NOT_AS_WRITTEN, DecodeError
from .events import EVENTS, Event, JobSubmitted, JobSucceeded, ProgressReported
from .identity import rerun_from
from .jobs import (
    AttemptEnd,
    Bar,
    Curve,
    ErrorInfo,
    Figure,
    JobRecord,
    JobState,
    PastAttempt,
    Progress,
    ResultInfo,
    Table,
    Usage,
)
from .options import JobOptions
from .times import time_from_wire as time_from_wire
from .times import time_to_wire as time_to_wire
from .tokens import Scope, ShareInfo, TokenInfo
from .workers import TaskInfo, WorkerInfo

JSON = "application/json"
PICKLE = "application/vnd.taskkit.pickle"
PROBLEM = "application/problem+json"
REQUEST_ID = "X-Request-ID"
ADDRESS = "Taskkit-Address"

_T = TypeVar("_T")

_HEAD = frozenset({"seq", "at", "job"})
_RARE = {
    JobSubmitted: ("after", "rerun"),
    ProgressReported: ("bars",),
    JobRecord: ("rerun", "is_recalled"),
}
_TIMES = ("created_at", "started_at", "finished_at", "retry_at")
_TOKEN_TIMES = ("created_at", "expires_at", "used_at")


def event_data(event: Event) -> str:
    """Return what is particular to `event` as a JSON object, without its place in the log."""
    data = {name: value for name, value in _plain(event).items() if name not in _HEAD}
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def event_from(kind: str, data: str, *, seq: int, at: int, job: str) -> Event:
    """Return the event whose parts a ledger stored."""
    try:  # a context manager would cost as much as a small event itself
        return _event(kind, json.loads(data), seq=seq, at=at, job=job)
    except NOT_AS_WRITTEN as error:
        raise DecodeError(f"event {seq} of a log cannot be read: {error!r}") from error


def event_to_wire(event: Event) -> dict[str, Any]:
    """Return `event` as a JSON object: ``seq``, ``at``, ``type``, ``job`` and ``data``."""
    data = _plain(event)
    head = {"seq": data.pop("seq"), "at": data.pop("at"), "job": data.pop("job")}
    return {**head, "type": event.type, "data": data}


def event_from_wire(obj: Mapping[str, Any]) -> Event:
    """Return the event that `event_to_wire` wrote."""
    with _decoding("an event"):
        return _event(obj["type"], obj["data"], seq=obj["seq"], at=obj["at"], job=obj["job"])


def _plain(event: Event | JobRecord) -> dict[str, Any]:
    """Return the fields as plain objects, without what most have none of."""
    plain = _object(event)
    for name in _RARE.get(type(event), ()):
        if not plain[name]:
            del plain[name]
    if isinstance(event, JobSucceeded):
        plain["result"] = result_data(event.result)
    return plain


def _object(value: Any) -> dict[str, Any]:
    # As `dataclasses.asdict`, without its copies of what cannot change: a tenth of the time.
    kind: Any = type(value)
    return {name: _member(getattr(value, name)) for name in _names(kind)}


def _member(value: Any) -> Any:
    # What another wrote may be an object where none belongs: whoever reads it is to judge.
    if value is None or isinstance(value, str | int | float | dict | list):
        return value
    if isinstance(value, JobOptions):
        return value.said()
    if isinstance(value, tuple):
        return tuple(map(_member, value))
    return _object(value)


@cache
def _names(cls: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(cls))


def _event(kind: str, data: Mapping[str, Any], *, seq: int, at: int, job: str) -> Event:
    cls = EVENTS.get(kind)
    if cls is None:
        return Event(seq=seq, at=at, job=job)
    return _build(cls, {**data, "seq": seq, "at": at, "job": job})


def record_to_wire(record: JobRecord) -> dict[str, Any]:
    """Return `record` as the JSON object of ``GET /jobs/{id}``; times are ISO 8601 in UTC."""
    obj = _plain(record)
    for name in _TIMES:
        obj[name] = time_to_wire(obj[name])
    for past in obj["past_attempts"]:
        past["at"] = time_to_wire(past["at"])
    if record.progress is not None:
        obj["progress"]["fraction"] = record.progress.fraction
    return obj


def record_from_wire(obj: Mapping[str, Any]) -> JobRecord:
    """Return the record that `record_to_wire` wrote."""
    with _decoding("a job"):
        parts = dict(obj)
        for name in _TIMES:
            parts[name] = time_from_wire(parts.get(name))
        parts["past_attempts"] = tuple(
            {**past, "at": time_from_wire(past["at"])} for past in parts.get("past_attempts", ())
        )
        return _build(JobRecord, parts)


def result_data(result: ResultInfo) -> dict[str, Any]:
    """Return what is known of a result as a JSON object."""
    data = _object(result)
    if result.table is None:
        del data["table"]
    return data


def result_from(data: Mapping[str, Any]) -> ResultInfo:
    """Return what `result_data` wrote."""
    return _build(ResultInfo, data)


def progress_from(data: Mapping[str, Any]) -> Progress:
    """Return the progress that the data of an event holds."""
    return _build(Progress, data)


def curves_from(data: Mapping[str, Any]) -> tuple[Curve, ...]:
    """Return the curves that the data of an event holds."""
    return tuple(_build(Curve, curve) for curve in data["curves"])


def figures_from(data: Mapping[str, Any]) -> tuple[Figure, ...]:
    """Return the figures that the data of an event holds."""
    return tuple(_build(Figure, figure) for figure in data["figures"])


def usage_from(data: Mapping[str, Any]) -> Usage:
    """Return the usage that the data of an event holds."""
    return _build(Usage, data["usage"])


def options_from_wire(obj: Mapping[str, Any]) -> JobOptions:
    """Return the options that `JobOptions.said` wrote."""
    with _decoding("a job's options"):
        return _build(JobOptions, obj)


def worker_to_wire(worker: WorkerInfo) -> dict[str, Any]:
    """Return `worker` as the JSON object that ``GET /workers`` lists."""
    return {**asdict(worker), "joined_at": time_to_wire(worker.joined_at)}


def worker_from_wire(obj: Mapping[str, Any]) -> WorkerInfo:
    """Return the worker that `worker_to_wire` wrote."""
    with _decoding("a worker"):
        return _build(WorkerInfo, {**obj, "joined_at": time_from_wire(obj["joined_at"])})


def task_from_wire(obj: Mapping[str, Any]) -> TaskInfo:
    """Return the task that ``dataclasses.asdict`` made an object of."""
    with _decoding("a task"):
        return _build(TaskInfo, obj)


def token_to_wire(token: TokenInfo) -> dict[str, Any]:
    """Return what is kept of a token as the JSON object that ``GET /tokens`` lists."""
    return {**asdict(token), **{name: time_to_wire(getattr(token, name)) for name in _TOKEN_TIMES}}


def token_from_wire(obj: Mapping[str, Any]) -> TokenInfo:
    """Return what `token_to_wire` wrote."""
    with _decoding("a token"):
        times = {name: time_from_wire(obj.get(name)) for name in _TOKEN_TIMES}
        return _build(TokenInfo, {**obj, **times})


def share_from_wire(obj: Mapping[str, Any]) -> ShareInfo:
    """Return the share that `token_to_wire` wrote."""
    with _decoding("a share"):
        times = {name: time_from_wire(obj.get(name)) for name in _TOKEN_TIMES}
        return _build(ShareInfo, {**obj, **times})


@contextmanager
def _decoding(what: str) -> Iterator[None]:
    try:
        yield
    except DecodeError:
        raise
    except NOT_AS_WRITTEN as error:
        raise DecodeError(f"{what} lacks or misplaces something: {error!r}") from error


_NESTED: dict[tuple[type, str], Callable[[Any], Any]] = {
    (JobRecord, "state"): JobState,
    (JobRecord, "progress"): lambda obj: _optional(Progress, obj),
    (JobRecord, "curves"): lambda objs: tuple(_build(Curve, obj) for obj in objs),
    (JobRecord, "figures"): lambda objs: tuple(_build(Figure, obj) for obj in objs),
    (JobRecord, "usage"): lambda obj: _optional(Usage, obj),
    (Progress, "bars"): lambda objs: tuple(_build(Bar, obj) for obj in objs),
    (Curve, "x"): tuple,
    (Curve, "y"): tuple,
    (EVENTS["progress_reported"], "bars"): lambda objs: tuple(_build(Bar, obj) for obj in objs),
    (EVENTS["curves_reported"], "curves"): lambda objs: tuple(_build(Curve, obj) for obj in objs),
    (EVENTS["figures_displayed"], "figures"): lambda objs: tuple(_build(Figure, o) for o in objs),
    (EVENTS["usage_reported"], "usage"): lambda obj: _build(Usage, obj),
    (JobRecord, "error"): lambda obj: _optional(ErrorInfo, obj),
    (JobRecord, "result"): lambda obj: _optional(ResultInfo, obj),
    (JobRecord, "past_attempts"): lambda objs: tuple(_build(PastAttempt, obj) for obj in objs),
    (JobRecord, "after"): tuple,
    (EVENTS["job_submitted"], "after"): tuple,
    (EVENTS["job_submitted"], "rerun"): lambda obj: rerun_from(obj),
    (JobRecord, "rerun"): lambda obj: rerun_from(obj),
    (JobRecord, "options"): lambda obj: options_from_wire(obj),
    (PastAttempt, "end"): AttemptEnd,
    (JobOptions, "retry_on"): tuple,
    (JobOptions, "tags"): tuple,
    (EVENTS["job_submitted"], "options"): lambda obj: options_from_wire(obj),
    (EVENTS["attempt_failed"], "error"): lambda obj: _build(ErrorInfo, obj),
    (EVENTS["job_succeeded"], "result"): lambda obj: _build(ResultInfo, obj),
    (ResultInfo, "table"): lambda obj: _optional(Table, obj),
    (Table, "columns"): tuple,
    (Table, "rows"): lambda rows: tuple(map(tuple, rows)),
    (EVENTS["job_failed"], "error"): lambda obj: _build(ErrorInfo, obj),
    (TokenInfo, "scopes"): lambda names: tuple(map(Scope, names)),
    (ShareInfo, "scopes"): lambda names: tuple(map(Scope, names)),
    (ShareInfo, "jobs"): tuple,
    (TaskInfo, "parameters"): tuple,
    (WorkerInfo, "jobs"): tuple,
    (WorkerInfo, "queues"): tuple,
    (WorkerInfo, "tags"): tuple,
    (WorkerInfo, "tasks"): lambda objs: tuple(_build(TaskInfo, obj) for obj in objs),
}


def _optional(cls: type[_T], obj: Mapping[str, Any] | None) -> _T | None:
    return None if obj is None else _build(cls, obj)


@cache
def _fields(cls: Any) -> tuple[tuple[str, bool, Callable[[Any], Any] | None], ...]:
    return tuple(
        (f.name, f.default is MISSING and f.default_factory is MISSING, _NESTED.get((cls, f.name)))
        for f in fields(cls)
    )


def _build(cls: type[_T], obj: Mapping[str, Any]) -> _T:
    parts = {}
    known: Any = cls  # a class is hashable; mypy 2.4 does not see it of type[T]
    for name, is_required, nested in _fields(known):
        if name in obj:
            parts[name] = nested(obj[name]) if nested else obj[name]
        elif is_required:
            raise DecodeError(f"{cls.__name__} lacks its field {name!r}")
    return cls(**parts)
