"""A job's hash in Redis as a `JobRecord`."""

from __future__ import annotations

import json
from collections.abc import Mapping

from ..protocol.errors import NOT_AS_WRITTEN, DecodeError
from ..protocol.identity import rerun_from
from ..protocol.jobs import (
    OUTPUT_TAIL_CHARS,
    AttemptEnd,
    ErrorInfo,
    JobRecord,
    JobState,
    PastAttempt,
)
from ..protocol.wire import (
    curves_from,
    figures_from,
    options_from_wire,
    progress_from,
    result_from,
    usage_from,
)

OUTPUT_BYTES = 4 * OUTPUT_TAIL_CHARS
"""How much output Redis keeps at least: the tail's characters take up to four bytes in UTF-8."""


def record_from(id: str, raw: Mapping[bytes, bytes], output: bytes) -> JobRecord | None:
    """Return the record that a hash holds, or None for an empty one.

    Raises:
        DecodeError: It holds something else.
    """
    if b"state" not in raw:
        return None
    try:
        return _record(id, {name.decode(): value for name, value in raw.items()}, output)
    except NOT_AS_WRITTEN as error:
        raise DecodeError(f"what is kept of job {id} cannot be read: {error!r}") from error


def _record(id: str, parts: Mapping[str, bytes], output: bytes) -> JobRecord:
    tail = output.decode(errors="ignore")[-OUTPUT_TAIL_CHARS:]
    return JobRecord(
        id=id,
        task=parts["task"].decode(),
        state=JobState(parts["state"].decode()),
        seq=int(parts["seq"]),
        created_at=int(parts["created_at"]),
        started_at=_int(parts.get("started_at")),
        finished_at=_int(parts.get("finished_at")),
        attempt=int(parts["attempt"]),
        worker=parts["worker"].decode() if "worker" in parts else None,
        progress=progress_from(json.loads(parts["progress"])) if "progress" in parts else None,
        curves=curves_from(json.loads(parts["curves"])) if "curves" in parts else (),
        figures=figures_from(json.loads(parts["figures"])) if "figures" in parts else (),
        usage=usage_from(json.loads(parts["usage"])) if "usage" in parts else None,
        output=tail,
        output_dropped_chars=int(parts.get("output_chars", 0)) - len(tail),
        error=ErrorInfo(**json.loads(parts["error"])) if "error" in parts else None,
        result=result_from(json.loads(parts["result"])) if "result" in parts else None,
        past_attempts=tuple(_past(line) for line in _lines(parts.get("past", b""))),
        retry_at=_int(parts.get("retry_at")),
        after=tuple(parts.get("after", b"").decode().split()),
        rerun=rerun_from(json.loads(parts["rerun"])) if "rerun" in parts else None,
        options=options_from_wire(json.loads(parts.get("options", b"{}"))),
    )


def _int(value: bytes | None) -> int | None:
    return None if value is None else int(value)


def _lines(text: bytes) -> list[str]:
    # Not by `splitlines`: a cause may hold what Python, and nobody else, takes for a line's end.
    return text.decode().split("\n")[:-1]


def _past(line: str) -> PastAttempt:
    attempt, at, end, cause = line.split("\t", 3)
    return PastAttempt(attempt=int(attempt), end=AttemptEnd(end), cause=cause, at=int(at))
