"""Jobs as a table."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from ..client import Job
from ..client.tables import Table
from ..panels.figures import total_duration


def job_table(jobs: Iterable[Job[Any]]) -> Table[Job[Any]]:
    """Return jobs as a table."""
    return Table(
        jobs,
        {
            "job": lambda job: job.title,
            "state": lambda job: str(job.state),
            "submitted": lambda job: _moment(job.record.created_at),
            "took": _took,
            "id": lambda job: job.id,
        },
    )


def _moment(ms: int) -> str:
    """Return a time by the clock on the reader's wall."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(ms / 1000))


def _took(job: Job[Any]) -> str:
    record = job.record
    if record.started_at is None or record.finished_at is None:
        return ""
    return total_duration(record.finished_at - record.started_at)
