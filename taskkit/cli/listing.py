"""Jobs as rows: pure functions of their records and the time."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.text import Text

from ..panels.figures import SPACE, duration, percent, total_duration
from ..panels.job_card import job_facts, job_message
from ..protocol.jobs import JobRecord, JobState
from .ids import short
from .lines import Column, Row, clean, sign

COLUMNS = (
    Column(heading="id"),
    Column(heading="name", least=12),
    Column(heading="state"),
    Column(heading="done", is_right=True),
    Column(heading="took", is_right=True),
    Column(heading="submitted"),
    Column(heading="worker", is_spare=True),
    Column(heading="note", least=14),
)

NOTE_FROM = 110
"""How wide a terminal must be for notes in a column; else those that matter are below rows."""


def rows(records: Sequence[JobRecord], now_ms: int) -> list[Row]:
    """Return the cells of `COLUMNS` for each job."""
    return [
        (
            short(record.id),
            clean(record.title, 60),
            sign(record.state),
            done(record),
            took(record, now_ms),
            moment(record.created_at, now_ms),
            clean(record.worker or "", 60),
            note(record, now_ms),
        )
        for record in records
    ]


def beneath(records: Sequence[JobRecord], now_ms: int) -> list[Text | None]:
    """Return for each job what must not be missed: errors, what it does, why it does not begin."""
    found: list[Text | None] = []
    for record in records:
        is_plain = record.state is JobState.SUCCEEDED or (
            record.state is JobState.QUEUED and not record.past_attempts and not record.after
        )
        text = None if is_plain else note(record, now_ms)
        found.append(text if text else None)
    return found


def done(record: JobRecord) -> str:
    """Return how much of a job is done in percent, where it says so and is not all done."""
    if record.state in (JobState.QUEUED, JobState.SUCCEEDED) or record.progress is None:
        return ""
    fraction = record.progress.fraction
    return "" if fraction is None else percent(fraction).replace(SPACE, " ")


def took(record: JobRecord, now_ms: int) -> str:
    """Return how long its attempt goes on, or went."""
    if record.started_at is None:
        return ""
    if record.finished_at is None:
        return duration(now_ms - record.started_at).replace(SPACE, " ")
    return total_duration(record.finished_at - record.started_at).replace(SPACE, " ")


def moment(ms: int, now_ms: int) -> str:
    """Return a time by the clock on the reader's wall, as short as it can be told."""
    at, now = time.localtime(ms / 1000), time.localtime(now_ms / 1000)
    if at[:3] == now[:3]:
        return time.strftime("%H:%M:%S", at)
    return time.strftime("%b %d %H:%M" if at[0] == now[0] else "%Y-%m-%d", at)


def note(record: JobRecord, now_ms: int) -> Text:
    """Return what is most worth knowing of a job in one line."""
    if record.error is not None:
        return Text(clean(record.error.summary), style="red")
    if record.state is JobState.QUEUED:
        return Text(clean(" · ".join(job_facts(record, now_ms, None))), style="dim")
    if record.result is not None and record.result.table is not None:
        table = record.result.table
        told = f"→ a table, {table.all_rows:,} rows × {table.all_columns:,} columns"
        return Text(told, style="dim")
    if record.result is not None and record.result.preview:
        return Text(clean(f"→ {record.result.preview}"), style="dim")
    return Text(clean(job_message(record)))
