"""How fast a job or a batch goes, and how long it will still take, without jumps.

The speed is the mean since the work began, taken at the last report, so that it stands still
between reports; the time left counts down from there, by no more than reports usually lie apart.
Steady progress therefore gives a time left that only falls, also in few and large steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

SHORTEST_BASIS_MS = 1000
"""A speed measured over less than this says nothing."""

PATIENCE_MS = 10_000
"""After four usual waits and this, an estimate is dropped: the job does not keep its pace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What was seen of the progress of one attempt. Times in ms, by one clock."""

    started_at: int
    #: When the attempt started; another start is another pace.
    begun_at: int
    #: From when the speed is measured: the start, or later where the task then said 0.
    base: float
    #: How much was done at `begun_at`.
    done: float
    total: float | None
    seen_at: int
    #: When `done` was first seen.
    reports: int
    #: How many different reports were seen since `begun_at`.

    @property
    def per_ms(self) -> float | None:
        """Units done in a millisecond, or None while that is unknown."""
        basis_ms = self.seen_at - self.begun_at
        if self.reports < 1 or basis_ms < SHORTEST_BASIS_MS or self.done <= self.base:
            return None
        return (self.done - self.base) / basis_ms

    def left_ms(self, now_ms: int) -> float | None:
        """Return how long it will still take, or None while that is unknown."""
        speed = self.per_ms
        if speed is None or not self.total or self.done >= self.total:
            return None
        usual_ms = (self.seen_at - self.begun_at) / self.reports
        waited_ms = max(0, now_ms - self.seen_at)
        if waited_ms > 4 * usual_ms + PATIENCE_MS:
            return None
        return max(0.0, (self.total - self.done) / speed - min(waited_ms, usual_ms))


def follow(
    pace: Pace | None, *, started_at: int, done: float, total: float | None, now_ms: int
) -> Pace:
    """Return the pace after `done` of `total` was seen at `now_ms`; `pace` is None at first sight.

    Where the count falls by half or more, the task began another loop: measure that one.
    """
    is_same_attempt = pace is not None and pace.started_at == started_at
    if pace is None or not is_same_attempt or done < pace.done / 2:
        is_beginning = done == 0 or is_same_attempt
        return Pace(
            started_at=started_at,
            begun_at=max(started_at, now_ms) if is_beginning else started_at,
            base=done if is_beginning else 0.0,
            done=done,
            total=total,
            seen_at=max(started_at, now_ms),
            reports=0 if is_beginning else 1,
        )
    if (done, total) == (pace.done, pace.total):
        return pace
    return replace(pace, done=done, total=total, seen_at=now_ms, reports=pace.reports + 1)
