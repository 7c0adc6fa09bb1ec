"""A real job, end to end: submitted as a notebook would, and followed on every way there is."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from ..connection import Connection
from ..protocol import wire
from ..protocol.errors import DecodeError
from ..protocol.events import Event
from ..protocol.jobs import JobRecord
from ..protocol.options import JobOptions
from ..travel.functions import PYTHON_MINOR, pickle_arguments, pickle_function
from .asking import Answer, Asking, Silence
from .errand import errand
from .listener import LOG, Heard, Listener

NAME = "taskkit doctor"
"""What the job is called, and its session: it is none of a notebook's."""

WITHIN_S = 15.0
"""How long the job may take."""

HEARD_WITHIN_S = 5.0
"""How much later than the result its last event may come; as often a server tells of its heads."""

_FIRST_LOOK_S, _LOOK_EVERY_S = 0.005, 0.25
_MOST_PAGES = 20

LAST = {"succeeded": "job_succeeded", "failed": "job_failed", "cancelled": "job_cancelled"}
"""The event that makes a job what it is at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What became of it. Moments are seconds since the Unix epoch, by this machine's clock."""

    answer: Answer | Silence | None = None
    #: Of the submission; None where there was no trial.
    record: JobRecord | None = None
    #: As it was last seen; None where it was not accepted.
    sent_at: float = 0.0
    accepted_at: float = 0.0
    known_at: float = 0.0
    #: When it was seen to be final here; 0 for never.
    waited_s: float = 0.0
    result_ms: float = 0.0
    #: How long its result took to be brought; 0 where it was not.
    logged: tuple[Event, ...] = ()
    #: What the log has of it, over HTTP.
    heard: Heard = field(default_factory=Heard)
    #: What the socket said of it.


def run(
    asking: Asking,
    connection: Connection,
    place: Mapping[str, Any],
    *,
    is_code: bool,
    within_s: float = WITHIN_S,
) -> Trial:
    """Submit the job and follow it. What is not final at the end is cancelled.

    place: the end of the owner's log, as the server told it.
    is_code: whether the token allows functions; else a named task is taken, which takes 4 s.
    """
    listener = Listener(connection, place)
    listener.open()
    try:
        body = body_of_function() if is_code else body_of_task()
        sent_at = time.time()
        answer = asking.post("/jobs", body)
        accepted_at = time.time()
        record = _record(answer)
        if record is None:
            return Trial(answer=answer, sent_at=sent_at, accepted_at=accepted_at)
        record, known_at = _followed(asking, record, accepted_at + within_s)
        if not record.is_final:
            asking.post(f"/jobs/{record.id}/cancel")
        else:
            listener.await_event(record.id, LAST[record.state], HEARD_WITHIN_S)
        return Trial(
            answer=answer,
            record=record,
            sent_at=sent_at,
            accepted_at=accepted_at,
            known_at=known_at,
            waited_s=time.time() - accepted_at,
            result_ms=_result_ms(asking, record),
            logged=tuple(e for e in _log(asking, place) if e.job == record.id),
            heard=listener.heard(record.id),
        )
    finally:
        listener.close()


def body_of_function() -> dict[str, Any]:
    """Return the submission of a function by value, as a notebook's is."""
    function, _ = pickle_function(errand())
    payload, _ = pickle_arguments((), {})
    return {
        "jobs": [
            {
                "task": "errand",
                "function": sha256(function).hexdigest(),
                "payload": b64encode(payload).decode(),
                "python": PYTHON_MINOR,
                "options": JobOptions(name=NAME, session=NAME, timeout_s=WITHIN_S).said(),
            }
        ],
        "functions": {sha256(function).hexdigest(): b64encode(function).decode()},
    }


def body_of_task() -> dict[str, Any]:
    """Return the submission of a task that every worker has."""
    options = JobOptions(name=NAME, session=NAME).said()
    return {"jobs": [{"task": "demo", "arguments": {"name": NAME}, "options": options}]}


def problem_of(answer: Answer) -> Mapping[str, Any]:
    """Return why the one job of a submission was refused; empty where it was not."""
    if answer.status >= 300:
        return {"detail": answer.detail, "code": answer.code}
    jobs = answer.json().get("jobs")
    problem = jobs[0].get("problem") if jobs else None
    return problem or {}


def _record(answer: Answer | Silence) -> JobRecord | None:
    if isinstance(answer, Silence) or answer.status >= 300:
        return None
    try:
        return wire.record_from_wire(answer.json()["jobs"][0]["job"])
    except (DecodeError, KeyError, IndexError, TypeError):
        return None


def _followed(asking: Asking, record: JobRecord, until: float) -> tuple[JobRecord, float]:
    """Return the record when it is final, or as it is at the end, and when it was seen final."""
    pause_s = _FIRST_LOOK_S
    while not record.is_final and time.time() < until:
        time.sleep(pause_s)
        pause_s = min(2 * pause_s, _LOOK_EVERY_S)
        answer = asking.get(f"/jobs/{record.id}")
        if isinstance(answer, Answer) and answer.status == 200:
            record = wire.record_from_wire(answer.json())
    return record, time.time() if record.is_final else 0.0


def _result_ms(asking: Asking, record: JobRecord) -> float:
    if record.result is None:
        return 0.0
    answer = asking.get(f"/jobs/{record.id}/result")
    return answer.took_ms if isinstance(answer, Answer) and answer.status == 200 else 0.0


def _log(asking: Asking, place: Mapping[str, Any]) -> Iterator[Event]:
    """Yield what the owner's log has from `place` on."""
    epoch, after = place.get("epoch", ""), place.get("seq", 0)
    for _ in range(_MOST_PAGES):
        query = urlencode({"log": LOG, "epoch": epoch, "after": after, "limit": 1000})
        answer = asking.get(f"/events?{query}")
        if isinstance(answer, Silence) or answer.status != 200:
            return
        page = answer.json()
        yield from (wire.event_from_wire(obj) for obj in page["events"])
        if not page["events"] or page["events"][-1]["seq"] >= page["head"]:
            return
        epoch, after = page["epoch"], page["events"][-1]["seq"]
