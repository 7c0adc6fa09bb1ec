"""From records to what is shown: the one renderer of widget, final snapshot and plain line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape

from ..protocol.jobs import Figure, JobRecord, JobState
from . import markup
from .batch_card import batch_html, batch_line, batch_pace
from .job_card import job_html, job_line, job_pace
from .pace import Pace
from .style import STYLE
from .tally import Tally, tally

__all__ = ["Picture", "batch_html", "batch_line", "job_html", "job_line", "picture"]

_RETRIED = (JobState.FAILED, JobState.CANCELLED)

QUIET_TICK_S = 5.0
"""How often a panel looks again of which nothing runs: its connection may have been cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a job or a batch looks like at one moment."""

    html: str
    #: Without the style sheet.
    line: str
    state: JobState
    is_final: bool
    pace: Pace | None
    #: To be given to the next `picture`, so that estimates do not jump.
    tick_s: float
    #: In how many seconds it looks different though nothing happens; `math.inf` for never.
    now_ms: int
    job: str
    #: The job's id; empty for a batch.
    retriable: int
    #: How many of the jobs that the server had failed or were cancelled.
    figures: tuple[Figure, ...] = ()
    #: What the job displays; of a batch nothing. They are no part of `html`.
    found_by: str = "reattach()"
    #: What of a client finds a batch again.

    @property
    def dated_line(self) -> str:
        """A line that goes on being true when it is read later: it says when it was written."""
        if self.is_final:
            return self.line
        moment = datetime.fromtimestamp(self.now_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return f"{self.line}{markup.SEPARATOR}as of {moment}; {self._found_again}"

    @property
    def _found_again(self) -> str:
        how = f"job('{self.job}')" if self.job else self.found_by
        return f"to follow it, run taskkit.Client().{how}"

    def bundle(self, trouble: str = "", gallery: str = "") -> dict[str, str]:
        """Return it as the output of a cell that stays true without a kernel.

        `gallery` is what it displays, as HTML; see `displayed`.
        """
        line = self.dated_line
        dated = "" if self.is_final else f'<div class="tk-dated">{escape(line)}</div>'
        shown = f"{self.html}{markup.warning(trouble)}{gallery}{dated}"
        return {"text/html": f'{STYLE}<div class="tk-still">{shown}</div>', "text/plain": line}


def picture(
    title: str,
    records: Sequence[JobRecord],
    *,
    now_ms: int,
    connection: str = "",
    pace: Pace | None = None,
    found_by: str = "reattach()",
) -> Picture:
    """Return the picture of one job, or of a batch where there is not exactly one record."""
    counted = tally(records)
    is_final = counted.final == counted.total
    if len(records) == 1:
        pace = job_pace(pace, records[0], now_ms)
        html = job_html(records[0], now_ms=now_ms, connection=connection, pace=pace)
        line = job_line(records[0], now_ms, pace)
    else:
        pace = batch_pace(pace, counted, now_ms)
        html = batch_html(title, records, now_ms=now_ms, connection=connection, pace=pace)
        line = batch_line(title, records, now_ms, pace)
    return Picture(
        html=html,
        line=line,
        state=counted.state,
        is_final=is_final,
        pace=pace,
        tick_s=math.inf if is_final else _tick_s(counted, records, connection, now_ms),
        now_ms=now_ms,
        job=records[0].id if len(records) == 1 else "",
        figures=records[0].figures if len(records) == 1 else (),
        found_by=found_by,
        retriable=sum(1 for record in records if record.state in _RETRIED and record.id),
    )


def _tick_s(counted: Tally, records: Sequence[JobRecord], connection: str, now_ms: int) -> float:
    is_waiting = len(records) == 1 and (records[0].retry_at or 0) > now_ms
    if connection or is_waiting or counted.count(JobState.RUNNING):
        # On the second of the elapsed time, or it would now and then skip one.
        return 1.0 - ((now_ms - (counted.started_at or 0)) % 1000) / 1000
    return QUIET_TICK_S
