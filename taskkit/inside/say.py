"""`say`: a fact of a running job, as an event of a kind of its own in its owner's log."""

from __future__ import annotations

import json

from ..protocol.events import FACT_CHARS, SAID, Event
from ..protocol.wire import event_data
from .place import place


def say(event: Event) -> None:
    """Have the job that runs here say `event`, one of `events.SAID`; what new verbs stand on.

    Facts arrive in order, four in a tenth of a second. Of those that wait for it the latest 64 are
    kept: who has a value that only develops says it by `report` or `progress`. Any thread; outside
    a job it only looks at its argument.

    Raises:
        TypeError: A job does not say events of this kind.
        ValueError: It is longer than a fact may be, or has a number that JSON has not.
    """
    if not isinstance(event, SAID):
        raise TypeError(f"a job says no {type(event).__name__}: list it in events.SAID")
    text = event_data(event)
    json.loads(text, parse_constant=_refuse)
    if len(text) > FACT_CHARS:
        raise ValueError(f"{event.type} has {len(text)} characters, and may have {FACT_CHARS}")
    if place.listener is not None:
        place.listener.say(event)


def _refuse(constant: str) -> None:
    raise ValueError(f"a fact has no {constant}: JSON knows no such number")
