"""A batch's jobs counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..protocol.jobs import FINAL, JobRecord, JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many jobs are in each state, and how much is done in all."""

    total: int
    counts: dict[JobState, int]
    #: By state; states without a job are missing.
    running_part: float
    #: The sum of what running jobs say they have done, in jobs.
    started_at: int | None
    #: When the first attempt that is known began, ms.
    finished_at: int | None
    #: When the last final job ended, ms.

    def count(self, state: JobState) -> int:
        """Return how many jobs are in `state`."""
        return self.counts.get(state, 0)

    @property
    def final(self) -> int:
        """How many jobs will not change any more."""
        return sum(self.count(state) for state in FINAL)

    @property
    def done(self) -> float:
        """How much is done, in jobs, with the parts of the running ones."""
        return self.final + self.running_part

    @property
    def fraction(self) -> float:
        """How much is done, within 0..1; of no jobs, all."""
        return self.done / self.total if self.total else 1.0

    @property
    def state(self) -> JobState:
        """The one word for all: running while any work is going on, then its worst outcome."""
        if self.final < self.total:
            is_begun = self.final or self.count(JobState.RUNNING)
            return JobState.RUNNING if is_begun else JobState.QUEUED
        for state in (JobState.FAILED, JobState.CANCELLED):
            if self.count(state):
                return state
        return JobState.SUCCEEDED


def tally(records: Sequence[JobRecord]) -> Tally:
    """Return the counts of `records`."""
    running = (record for record in records if record.state is JobState.RUNNING)
    return Tally(
        total=len(records),
        counts=Counter(record.state for record in records),
        running_part=sum(part(record) for record in running),
        started_at=min((r.started_at for r in records if r.started_at is not None), default=None),
        finished_at=max(
            (r.finished_at for r in records if r.finished_at is not None), default=None
        ),
    )


def part(record: JobRecord) -> float:
    """Return how much of a running job is done, within 0..1; 0 where it does not say."""
    return (record.progress.fraction or 0.0) if record.progress else 0.0
