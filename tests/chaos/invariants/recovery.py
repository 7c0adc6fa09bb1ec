"""How soon there is news again after a fault."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from ..facts import Accepted, Entry, FaultBegan, FaultEnded, Finished, Received


def worst_recovery_s(entries: Iterable[Entry]) -> float | None:
    """Return the longest time from a fault's end to the next thing that any client heard.

    A fault counts if a job was accepted and not finished for its client when it ended, and no other
    fault lasted then. None where none counts; infinity where one counts and nothing was heard after
    it.
    """
    outstanding: set[tuple[str, str]] = set()
    finished: set[tuple[str, str]] = set()
    lasting: Counter[str] = Counter()
    waits_since: float | None = None
    worst: float | None = None
    for t, who, fact in sorted(entries, key=lambda entry: entry.t):
        match fact:
            case Accepted(job=job):
                outstanding |= {(who, job)} - finished
            case FaultBegan(name=name):
                lasting[name] += 1
            case FaultEnded(name=name):
                lasting -= Counter([name])
                if outstanding and not lasting and waits_since is None:
                    waits_since = t
            case Received() | Finished() if waits_since is not None:
                worst = max(worst or 0.0, t - waits_since)
                waits_since = None
        if isinstance(fact, Finished):
            finished.add((who, fact.job))
            outstanding.discard((who, fact.job))
    return worst if waits_since is None else math.inf
