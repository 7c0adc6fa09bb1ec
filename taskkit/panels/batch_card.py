"""A batch as HTML and as a line of text: pure functions of its jobs' records and the time."""

from __future__ import annotations

from collections.abc import Sequence

from ..protocol.jobs import JobRecord, JobState
from . import figures, markup
from .causes import Cause, causes, longest
from .pace import Pace, follow
from .recalled import batch_recall_text
from .strip import strip
from .style import LOOKS
from .tally import Tally, tally

MOST_CAUSES = 3
"""So many causes of failures are shown; of the others, the number."""

FEWEST_COMPARED = 4
"""Of a smaller batch it is not told which job takes longest: the strip shows all of them."""

LONG_MS = 2000
"""Nor where none takes longer than this."""


def batch_html(
    title: str,
    records: Sequence[JobRecord],
    *,
    now_ms: int,
    connection: str = "",
    pace: Pace | None = None,
) -> str:
    """Return what a cell shows of a batch, without the style sheet.

    `pace` is what was seen of the batch before (see `batch_pace`).
    """
    if not records:
        return markup.panel([markup.note(_none(title))])
    counted = tally(records)
    is_final = counted.final == counted.total
    texts = [*_counts(counted), *_estimates(counted, now_ms, pace)]
    text = markup.SEPARATOR.join(texts)
    colours = {state: LOOKS[state].colour for state in JobState}
    segments = [
        (counted.count(state) / counted.total, colours[state])
        for state in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)
    ]
    segments.append((counted.running_part / counted.total, colours[JobState.RUNNING]))
    return markup.panel(
        (
            markup.head(
                title, counted.state, note=_note(counted, now_ms), fraction=counted.fraction
            ),
            markup.bar(title, segments, text),
            markup.facts(texts),
            strip(records),
            markup.note(batch_recall_text(records)),
            markup.note(_slowest(records, now_ms)),
            _failures(records, is_final=is_final),
            "" if is_final else markup.warning(connection),
        )
    )


def batch_line(
    title: str, records: Sequence[JobRecord], now_ms: int, pace: Pace | None = None
) -> str:
    """Return a batch as one line of plain text."""
    if not records:
        return _none(title)
    counted = tally(records)
    look = LOOKS[counted.state]
    parts = [f"{look.sign} {markup.one_line(title)} {look.word} {_note(counted, now_ms)}"]
    parts += [figures.percent(counted.fraction), *_counts(counted)]
    parts += _estimates(counted, now_ms, pace)
    parts += filter(None, [batch_recall_text(records)])
    return markup.SEPARATOR.join(parts).replace(figures.SPACE, " ")


def batch_pace(pace: Pace | None, counted: Tally, now_ms: int) -> Pace | None:
    """Return the pace after these counts were seen, or None where nothing has begun."""
    if counted.started_at is None:
        return None
    start = counted.started_at if pace is None else min(pace.started_at, counted.started_at)
    if pace is None and counted.done == 0:
        # The batch began with its first job, not when the panel first looked.
        now_ms = start
    return follow(pace, started_at=start, done=counted.done, total=counted.total, now_ms=now_ms)


def _none(title: str) -> str:
    return f"{markup.one_line(title)} has no jobs."


def _note(counted: Tally, now_ms: int) -> str:
    finished_at = counted.finished_at if counted.final == counted.total else None
    is_good = counted.state is JobState.SUCCEEDED
    time = figures.since(counted.started_at, finished_at, now_ms, is_good=is_good)
    size = f"{counted.total:,} job{'s' if counted.total != 1 else ''}"
    return f"{time} · {size}" if time else f"· {size}"


def _counts(counted: Tally) -> list[str]:
    order = (
        JobState.SUCCEEDED,
        JobState.FAILED,
        JobState.CANCELLED,
        JobState.RUNNING,
        JobState.QUEUED,
    )
    return [
        f"{counted.count(state):,}{figures.SPACE}{state}" for state in order if counted.count(state)
    ]


def _estimates(counted: Tally, now_ms: int, pace: Pace | None) -> list[str]:
    if counted.final == counted.total:
        return []
    pace = pace or batch_pace(None, counted, now_ms)
    texts = []
    if pace and pace.per_ms:
        texts.append(figures.rate(pace.per_ms * 1000, "job"))
    left_ms = pace.left_ms(now_ms) if pace else None
    if left_ms is not None:
        texts.append(figures.time_left(left_ms))
    return texts


def _slowest(records: Sequence[JobRecord], now_ms: int) -> str:
    if len(records) < FEWEST_COMPARED:
        return ""
    slow = [(place, took) for place, took in longest(records, now_ms) if took >= LONG_MS]
    if not slow:
        return ""
    is_running = records[slow[0][0]].state is JobState.RUNNING
    jobs = ", ".join(_slow(place, records[place], took) for place, took in slow)
    return f"{'running longest' if is_running else 'took longest'}: {jobs}"


def _slow(place: int, record: JobRecord, took_ms: int) -> str:
    known = record.progress.fraction if record.progress and not record.is_final else None
    far = "" if known is None else f", {figures.percent(known)}"
    return f"job {place} ({figures.duration(took_ms)}{far})"


def _failures(records: Sequence[JobRecord], *, is_final: bool) -> str:
    """Return why jobs failed; tracebacks only when final, for a redraw would fold them again."""
    found = causes(records)
    shown = [
        markup.trouble(cause.error, lead=_which(cause), is_traceback_shown=is_final)
        for cause in found[:MOST_CAUSES]
    ]
    others = found[MOST_CAUSES:]
    if others:
        jobs = sum(cause.jobs for cause in others)
        shown.append(markup.note(f"and {jobs:,} more failed of {len(others):,} other causes"))
    return "".join(shown)


def _which(cause: Cause) -> str:
    return (
        f"job {cause.first}"
        if cause.jobs == 1
        else f"{cause.jobs:,} jobs, first job {cause.first}:"
    )
