"""One job as HTML and as a line of text: pure functions of its record and the time."""

from __future__ import annotations

from html import escape

from ..protocol.jobs import AttemptEnd, JobRecord, JobState, PastAttempt
from . import figures, markup
from .curves import curve_texts, curves_html
from .displayed import count_text
from .output import tail
from .pace import Pace, follow
from .recalled import recall_text
from .style import LOOKS

MOST_VALUES = 3
"""Of curves, in the line of text."""


def job_html(
    record: JobRecord, *, now_ms: int, connection: str = "", pace: Pace | None = None
) -> str:
    """Return what a cell shows of a job, without the style sheet.

    `pace` is what was seen of the job before (see `job_pace`); without it the estimate rests on
    this record alone.
    """
    fraction = job_fraction(record)
    texts = job_facts(record, now_ms, pace)
    shown = fraction if record.state is not JobState.QUEUED else None
    has_percent = record.progress is not None and record.progress.fraction is not None
    return markup.panel(
        (
            markup.head(
                record.title,
                record.state,
                note=job_since(record, now_ms),
                fraction=shown if has_percent else None,
            ),
            _bar(record, fraction, texts),
            *_inner_bars(record),
            markup.facts(texts, markup.copy_id(record.id)),
            *(markup.warning(past_text(past)) for past in record.past_attempts),
            markup.note(recall_text(record, now_ms)),
            markup.note(job_message(record)),
            curves_html(record.curves),
            markup.output(tail(record.output, record.output_dropped_chars)),
            _outcome(record),
            "" if record.is_final else markup.warning(connection),
        )
    )


def job_line(record: JobRecord, now_ms: int, pace: Pace | None = None) -> str:
    """Return a job as one line of plain text."""
    look = LOOKS[record.state]
    name = markup.one_line(record.title)
    parts = [f"{look.sign} {name} {look.word} {job_since(record, now_ms)}".rstrip()]
    if record.progress and record.progress.fraction is not None and not _is_queued(record):
        parts.append(figures.percent(record.progress.fraction))
    parts += job_facts(record, now_ms, pace)
    parts.append(markup.one_line(recall_text(record, now_ms), 120))
    if record.error:
        parts.append(markup.one_line(f"{record.error.type}: {record.error.message}"))
    elif record.result and record.result.preview:
        parts.append(markup.one_line(record.result.preview, 80))
    else:
        parts.append(markup.one_line(job_message(record), 80))
        parts += curve_texts(record.curves)[:MOST_VALUES]
    parts.append(count_text(record.figures))
    return markup.SEPARATOR.join(part for part in parts if part).replace(figures.SPACE, " ")


def job_pace(pace: Pace | None, record: JobRecord, now_ms: int) -> Pace | None:
    """Return the pace after this record was seen, or None where it reports no progress."""
    if record.started_at is None or record.progress is None:
        return None
    done, total = record.progress.done, record.progress.total
    return follow(pace, started_at=record.started_at, done=done, total=total, now_ms=now_ms)


def job_since(record: JobRecord, now_ms: int) -> str:
    """Return how long it goes or went on, to follow the word of its state."""
    is_good = record.state is JobState.SUCCEEDED
    return figures.since(record.started_at, record.finished_at, now_ms, is_good=is_good)


def _is_queued(record: JobRecord) -> bool:
    return record.state is JobState.QUEUED


def job_fraction(record: JobRecord) -> float | None:
    """Return how much of the bar is filled; None where a running job does not say."""
    if record.state is JobState.SUCCEEDED:
        return 1.0
    if _is_queued(record):
        return 0.0
    known = record.progress.fraction if record.progress else None
    return known if known is not None or not record.is_final else 0.0


def _bar(record: JobRecord, fraction: float | None, texts: list[str]) -> str:
    look = LOOKS[record.state]
    text = markup.SEPARATOR.join([look.word, *texts])
    if fraction is None:
        return markup.unknown_bar(record.title, text)
    return markup.bar(record.title, [(fraction, look.colour)], text)


def job_facts(record: JobRecord, now_ms: int, pace: Pace | None) -> list[str]:
    """Return what is worth a number, most wanted first."""
    if _is_queued(record):
        if record.retry_at is not None and record.retry_at > now_ms:
            return [f"tries again in {figures.duration(record.retry_at - now_ms)}"]
        if record.after and not record.past_attempts:
            others = f"{len(record.after)} job{'s' if len(record.after) != 1 else ''}"
            return [f"waits for {others}, then a worker"]
        if record.waits_for:
            return [record.waits_for]
        return ["waits for a worker" + (" again" if record.past_attempts else "")]
    texts = [_amount(record)]
    if not record.is_final:
        pace = pace or job_pace(None, record, now_ms)
        # Of a total of 1 the parts are not things, so their number a second says nothing.
        if pace and pace.per_ms and (pace.total is None or pace.total > 1):
            texts.append(figures.rate(pace.per_ms * 1000))
        left_ms = pace.left_ms(now_ms) if pace else None
        if left_ms is not None:
            texts.append(figures.time_left(left_ms))
    if record.attempt > 1:
        texts.append(f"attempt{figures.SPACE}{record.attempt}")
    if record.worker:
        texts.append(f"on {record.worker}")
    texts += _usage(record)
    return [text for text in texts if text]


def _usage(record: JobRecord) -> list[str]:
    """Return what the job's process takes; when it is over, the most that it took."""
    usage = record.usage
    if usage is None:
        return []
    if record.is_final:
        return [f"at most {figures.size(usage.peak_bytes)}"]
    return [
        figures.size(usage.memory_bytes),
        f"CPU{figures.SPACE}{100 * usage.cores:.0f}{figures.SPACE}%",
    ]


def _inner_bars(record: JobRecord) -> list[str]:
    """Return the loops within the job, as long as it runs or where it was stopped."""
    if record.progress is None or record.state in (JobState.QUEUED, JobState.SUCCEEDED):
        return []
    return [markup.inner_bar(bar, LOOKS[record.state].colour) for bar in record.progress.bars]


def job_message(record: JobRecord) -> str:
    """Return what the task is doing, or was doing when it was stopped."""
    is_over = record.state is JobState.SUCCEEDED
    return record.progress.message if record.progress and not is_over else ""


def _amount(record: JobRecord) -> str:
    progress = record.progress
    if progress is None:
        return ""
    is_worth_it = progress.done if progress.total is None else progress.total > 1
    return figures.amount(progress.done, progress.total) if is_worth_it else ""


def past_text(past: PastAttempt) -> str:
    """Return how an attempt ended that did not decide the job."""
    return f"attempt {past.attempt} {_ENDS[past.end]}: {past.cause}"


_ENDS = {
    AttemptEnd.LOST: "was lost",
    AttemptEnd.FAILED: "failed",
    AttemptEnd.RETURNED: "was given back",
}


def _outcome(record: JobRecord) -> str:
    if record.error:
        return markup.trouble(record.error)
    if record.result is not None and record.result.table is not None:
        return markup.table(record.result.table)
    if record.result is None or not record.result.preview:
        return ""
    preview = escape(markup.clip(record.result.preview))
    size = record.result.size_bytes
    unit = f' <span class="tk-quiet">({figures.size(size)})</span>' if size >= 1000 else ""
    return f'<pre class="tk-result"><span class="tk-quiet">→</span> {preview}{unit}</pre>'
