"""Why jobs of a batch failed, each cause once; and which of its jobs take longest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..protocol.jobs import ErrorInfo, JobRecord, JobState

MOST_SLOW = 3

_NUMBER = re.compile(r"\d[\d.,]*(?:e[+-]?\d+)?|0x[0-9a-f]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cause:
    """One error, as some jobs had it."""

    error: ErrorInfo
    #: Of the first of them.
    first: int
    #: Its place in the batch.
    jobs: int
    #: How many had it.


def causes(records: Sequence[JobRecord]) -> list[Cause]:
    """Return the causes of all failures, the most frequent first, then as they come.

    Errors are the same that differ in numbers only, as in ``no convergence after 17 steps``.
    """
    firsts: dict[tuple[str, str], int] = {}
    counts: dict[tuple[str, str], int] = {}
    kinds: dict[str, tuple[str, str]] = {}
    for place, record in enumerate(records):
        if record.error is None:
            continue
        summary = record.error.summary
        kind = kinds.get(summary)
        if kind is None:
            kind = kinds[summary] = (record.error.type, _NUMBER.sub("#", summary))
        firsts.setdefault(kind, place)
        counts[kind] = counts.get(kind, 0) + 1
    found = [Cause(_error(records[first]), first, counts[kind]) for kind, first in firsts.items()]
    return sorted(found, key=lambda cause: -cause.jobs)


def longest(records: Sequence[JobRecord], now_ms: int) -> list[tuple[int, int]]:
    """Return of the running jobs, or where none is of the others, those that take or took longest.

    By their places in the batch, with the duration of their last attempt in ms.
    """
    running = [place for place, r in enumerate(records) if r.state is JobState.RUNNING]
    places = running or range(len(records))
    took = [
        (place, (record.finished_at or now_ms) - record.started_at)
        for place in places
        if (record := records[place]).started_at is not None
    ]
    return sorted(took, key=lambda entry: -entry[1])[:MOST_SLOW]


def _error(record: JobRecord) -> ErrorInfo:
    assert record.error is not None  # noqa: S101
    return record.error
