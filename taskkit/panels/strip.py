"""One mark a job: a batch at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..protocol.jobs import JobRecord, JobState
from .style import LOOKS
from .tally import part, tally

MOST_MARKS = 200
"""More jobs than this share marks, neighbours together."""

FEWEST_MARKS = 2
"""A strip of one mark would repeat the bar."""

LEAST_FAILED = 0.34
"""Of a shared mark's height, where one of its jobs failed: three pixels."""

MARKS_A_LINE = 50
"""Where style sheets are dropped, so that a line can end; with them this has no effect."""

_CLASSES = {
    JobState.QUEUED: "",
    JobState.RUNNING: "r",
    JobState.SUCCEEDED: "s",
    JobState.FAILED: "f",
    JobState.CANCELLED: "c",
}


def strip(records: Sequence[JobRecord]) -> str:
    """Return the marks of `records` in their order; of one job none.

    The signs within are for viewers without style sheets.
    """
    if len(records) < FEWEST_MARKS:
        return ""
    share = jobs_a_mark(len(records))
    groups = [records[at : at + share] for at in range(0, len(records), share)]
    marks = [_mark(group[0]) if share == 1 else _shared_mark(group) for group in groups]
    lines = ["".join(marks[at : at + MARKS_A_LINE]) for at in range(0, len(marks), MARKS_A_LINE)]
    each = "one mark a job" if share == 1 else f"one mark for {share:,} jobs"
    counts = tally(records).counts
    words = ", ".join(f"{counts[state]:,} {state}" for state in JobState if counts.get(state))
    return (
        f'<div class="tk-strip" role="img" aria-label="{escape(words)}" title="{each}">'
        f"{' '.join(lines)}</div>"
    )


def jobs_a_mark(jobs: int) -> int:
    """Return how many jobs share a mark, so that there are at most `MOST_MARKS`."""
    return max(1, -(-jobs // MOST_MARKS))


def _mark(record: JobRecord) -> str:
    sign = LOOKS[record.state].sign
    fraction = part(record) if record.state is JobState.RUNNING else 0.0
    if fraction > 0:
        return f'<i class="r" style="{_stack([(fraction, JobState.RUNNING)])}">{sign}</i>'
    name = _CLASSES[record.state]
    return f'<i class="{name}">{sign}</i>' if name else f"<i>{sign}</i>"


def _shared_mark(group: Sequence[JobRecord]) -> str:
    """Return a mark filled from below by what became of its jobs; failures are always visible."""
    counted = tally(group)
    if counted.total == counted.count(counted.state):
        return _mark(group[0])
    failed = counted.count(JobState.FAILED) / counted.total
    parts = [(max(failed, LEAST_FAILED) if failed else 0.0, JobState.FAILED)]
    parts += [
        (counted.count(state) / counted.total, state)
        for state in (JobState.SUCCEEDED, JobState.CANCELLED)
    ]
    parts.append((counted.running_part / counted.total, JobState.RUNNING))
    state = JobState.FAILED if failed else counted.state
    name = "r" if counted.final < counted.total else "d"
    return f'<i class="{name}" style="{_stack(parts)}">{LOOKS[state].sign}</i>'


def _stack(parts: Sequence[tuple[float, JobState]]) -> str:
    """Return a background of layers from below, in hundredths of the mark's height."""
    stops = []
    at = 0.0
    for fraction, state in parts:
        if fraction > 0:
            top = min(1.0, at + fraction)
            stops.append(f"{LOOKS[state].colour} {100 * at:.0f}% {100 * top:.0f}%")
            at = top
    return f"background:linear-gradient(to top,{','.join(stops)},transparent {100 * at:.0f}%)"
