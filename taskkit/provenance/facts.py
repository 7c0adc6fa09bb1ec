"""A job's card, made of what ledger and workers know: a JSON object, described in docs/cards.md."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any

from ..blobs.manifest import is_packed, read_manifest
from ..protocol.errors import DecodeError
from ..protocol.jobs import JobRecord, JobState
from ..protocol.spec import JobSpec, unsealed
from ..protocol.wire import time_to_wire
from .redaction import redacted
from .seeds import seed_of, without_seed

SCHEMA = "taskkit.card/1"
"""Raised where a reader of an older one would misunderstand; fields are added without."""

OUTPUT_CHARS = 4_000
"""How much of a job's output its card has, of the end."""

TRACEBACK_CHARS = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of a job beside its record."""

    owner: str = ""
    spec: JobSpec
    #: Its payload is empty where the arguments are not kept any more.
    arguments: str = ""
    #: Their SHA-256 then.
    about: Mapping[str, Any] = field(default_factory=dict)
    #: What its function said of itself where it was written; see `travel.described`.
    has_function: bool = True
    #: Whether the function is kept.
    pickle: str = ""
    #: The SHA-256 of the function's pickle.
    needs: Mapping[str, str] = field(default_factory=dict)
    #: What the function said that it needs.
    sheets: Sequence[str] = ()
    lost: int = 0
    result: bytes | None = None
    #: As it is stored; None where it is not kept.


def card(record: JobRecord, kept: Kept, *, now_ms: int, version: str) -> dict[str, Any]:
    """Return the card of a job, without secrets that are known by their names."""
    unknown: list[str] = []
    sheets = _sheets(kept.sheets)
    environment = sheets.get("environment")
    if environment is None:
        unknown.append(f"environment: {_why_no_environment(record, kept)}")
    code = _code(record, kept, sheets.get("code") or {}, unknown)
    arguments = _arguments(kept, unknown)
    made: dict[str, Any] = {
        "schema": SCHEMA,
        "card": {"made_at": time_to_wire(now_ms), "taskkit": version},
        "job": _job(record, kept.owner),
        "code": code,
        "arguments": arguments,
        "seed": seed_of({**code.get("defaults", {}), **arguments.get("value", {})}),
        "environment": environment,
        "attempts": _attempts(record, unknown),
        "result": _result(record, kept.result, unknown),
        "error": _error(record),
        "usage": asdict(record.usage) if record.usage else None,
        "output": _output(record),
        "figures": _figures(record),
    }
    if made["seed"] is None and arguments["form"] == "json":
        unknown.append(without_seed())
    elif arguments["form"] == "pickle":
        made["seed"] = None
        unknown.append("seed: the arguments are a pickle, which the server does not read")
    made["unknown"] = unknown
    return redacted(made)


def _job(record: JobRecord, owner: str) -> dict[str, Any]:
    options = dict(record.options.said())
    session = options.pop("session", "")
    options.pop("trace", None)
    title = options.pop("name", record.task)
    return {
        "id": record.id,
        "title": title,
        "task": record.task,
        "state": str(record.state),
        "owner": owner,
        "session": session,
        "created_at": time_to_wire(record.created_at),
        "started_at": time_to_wire(record.started_at),
        "finished_at": time_to_wire(record.finished_at),
        "after": list(record.after),
        "options": {name: _plain(value) for name, value in options.items()},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def _code(
    record: JobRecord, kept: Kept, sheet: Mapping[str, Any], unknown: list[str]
) -> dict[str, Any]:
    spec = kept.spec
    if spec.function is None:
        if not sheet:
            unknown.append("code: no worker has said what it runs under this name")
        told = {name: value for name, value in sheet.items() if name not in ("kind", "task")}
        return {"form": "named task", "task": record.task, **told}
    source = str(kept.about.get("source", ""))
    if not kept.has_function:
        unknown.append("code: the function is not kept any more")
    elif not source:
        unknown.append("code: its source was not to be had where it was submitted")
    return {
        "form": "function",
        "task": record.task,
        **kept.about,
        "source_sha256": sha256(source.encode()).hexdigest() if source else "",
        "sha256": spec.function,
        "pickle_sha256": kept.pickle,
        "python": spec.python,
        "needs": dict(kept.needs),
    }


def _arguments(kept: Kept, unknown: list[str]) -> dict[str, Any]:
    spec = kept.spec
    if spec.function is None:
        text = spec.arguments
        return {
            "form": "json",
            "value": json.loads(text),
            "sha256": sha256(text.encode()).hexdigest(),
            "is_kept": True,
        }
    if not spec.payload:
        why = "they are larger than is kept, or an older release let them go"
        unknown.append(f"arguments: the job has succeeded, and {why}")
        return {"form": "pickle", "sha256": kept.arguments, "needs": [], "is_kept": False}
    pickled = bytes(unsealed(spec.payload)[1])
    return {
        "form": "pickle",
        "sha256": sha256(pickled).hexdigest(),
        "size_bytes": len(pickled),
        "blobs": blobs_in(pickled),
        "needs": list(spec.blobs),
        "is_kept": True,
    }


def blobs_in(body: bytes) -> list[dict[str, Any]]:
    """Return the blobs that a pickle is made of, by the BLAKE3 of their bytes."""
    if not is_packed(body):
        return []
    try:
        manifest, _ = read_manifest(body)
    except DecodeError:
        return []
    return [{"blake3": blob.digest, "size_bytes": blob.size_bytes} for blob in manifest.blobs]


def _sheets(texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what workers have told, by its kind; what cannot be read is left out."""
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(told, dict) and isinstance(told.get("kind"), str):
            found[told.pop("kind")] = told
    return found


def _why_no_environment(record: JobRecord, kept: Kept) -> str:
    if kept.lost:
        return "it is not kept any more"
    match record.state:
        case JobState.QUEUED:
            return "the job has not run"
        case JobState.RUNNING:
            return "a worker tells it at the end"
        case JobState.CANCELLED:
            return "the job was cancelled, and its worker was not heard any more"
    return "the worker died, or is of an older release, and did not tell it"


def _attempts(record: JobRecord, unknown: list[str]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [
        {
            "attempt": past.attempt,
            "end": str(past.end),
            "cause": past.cause,
            "ended_at": time_to_wire(past.at),
        }
        for past in record.past_attempts
    ]
    if told:
        unknown.append("attempts: of those before the last, which worker had them")
    if record.attempt > len(told):
        last = {"attempt": record.attempt, "end": str(record.state), "worker": record.worker}
        last["started_at"] = time_to_wire(record.started_at)
        told.append(last | {"ended_at": time_to_wire(record.finished_at)})
    return told


def _result(record: JobRecord, body: bytes | None, unknown: list[str]) -> dict[str, Any] | None:
    info = record.result
    if info is None:
        return None
    if body is None:
        unknown.append("result: it is not kept any more, or not shown, so that it has no digest")
    return {
        "media_type": info.media_type,
        "size_bytes": info.size_bytes,
        "sha256": "" if body is None else sha256(body).hexdigest(),
        "blobs": [] if body is None else blobs_in(body),
        "preview": info.preview,
    }


def _error(record: JobRecord) -> dict[str, Any] | None:
    if record.error is None:
        return None
    return {**asdict(record.error), "traceback": record.error.traceback[-TRACEBACK_CHARS:]}


def _output(record: JobRecord) -> dict[str, Any]:
    tail = record.output[-OUTPUT_CHARS:]
    dropped = record.output_dropped_chars + len(record.output) - len(tail)
    return {"tail": tail, "dropped_chars": dropped}


def _figures(record: JobRecord) -> list[dict[str, Any]]:
    names = ("name", "media_type", "size_bytes", "text")
    told = []
    for figure in record.figures:
        facts = {name: getattr(figure, name) for name in names}
        told.append(facts | ({"blake3": figure.digest} if figure.digest else {}))
    return told
