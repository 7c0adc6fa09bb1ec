"""An event of any kind, also of one that these tests have never heard of."""

from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass, replace
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from taskkit.protocol.events import EVENTS, Event
from taskkit.protocol.jobs import JobRecord, JobState
from taskkit.protocol.lifecycle import TRANSITIONS, apply

PLAIN: dict[Any, Any] = {str: "x", int: 1, float: 1.0, bool: True}
RUNNING = JobRecord(id="j", task="demo", state=JobState.RUNNING, seq=5)


def sample(kind: type[Any]) -> Any:
    """Return an object of a class of the protocol, with what it must have."""
    hints = get_type_hints(kind)
    needed = [f for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING]
    return kind(**{f.name: _value(hints[f.name]) for f in needed})


def _value(hint: Any) -> Any:
    if hint in PLAIN:
        return PLAIN[hint]
    if is_dataclass(hint):
        return sample(hint)  # type: ignore[arg-type]
    if get_origin(hint) in (Union, UnionType):
        return _value(get_args(hint)[0])
    if get_origin(hint) is tuple:
        return (_value(get_args(hint)[0]),)
    return {}


def quiet() -> set[str]:
    """Return the kinds of events that change nothing of a job's record but where it stands."""
    return {
        kind
        for kind, row in TRANSITIONS.items()
        if row == {JobState.RUNNING: JobState.RUNNING}
        if apply(RUNNING, replace(event_of(kind), seq=6)) == replace(RUNNING, seq=6)
    }


def event_of(kind: str) -> Event:
    """Return an event of this kind."""
    event: Event = sample(EVENTS[kind])
    return event
