"""One attempt of a job is valid at a time, and attempts are counted upwards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from taskkit.protocol.events import AttemptStarted
from taskkit.protocol.jobs import JobState
from taskkit.protocol.lifecycle import TRANSITIONS

from ..facts import Logged
from ..history import FINAL_STATES, History
from ..verdict import Violation

ENDS = frozenset(
    kind for kind, row in TRANSITIONS.items() if row.get(JobState.RUNNING) == JobState.QUEUED
)
"""Event types that end an attempt and queue its job again."""


def overlaps(history: History) -> Iterator[Violation]:
    """Yield the attempts that began while they must not have."""
    for log in history.logs:
        jobs: defaultdict[str, list[Logged]] = defaultdict(list)
        for event in log.events:
            jobs[event.job].append(event)
        for job, events in jobs.items():
            yield from (Violation(job, f"job {job}: {seen}") for seen in _attempts(events))


def _attempts(events: Sequence[Logged]) -> Iterator[str]:
    valid: Logged | None = None
    highest, end = 0, ""
    for event in events:
        if event.type == AttemptStarted.type:
            began = f"attempt {event.attempt} began at {event.epoch}:{event.seq}"
            if valid is not None:
                yield f"{began} while attempt {valid.attempt} (seq {valid.seq}) was valid"
            if end:
                yield f"{began} after {end}"
            if event.attempt <= highest:
                yield f"{began} after attempt {highest} had begun"
            valid, highest = event, max(highest, event.attempt)
        elif event.type in FINAL_STATES:
            valid, end = None, f"{event.type} (seq {event.seq})"
        elif event.type in ENDS and valid is not None and event.attempt in (0, valid.attempt):
            valid = None
