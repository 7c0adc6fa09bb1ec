"""`check`: whether a run kept its promises, from the facts alone.

In the manner of Jepsen (https://jepsen.io): while faults go on each process only records what it
saw, and a pure function judges the record afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from .facts import Entry, Ran
from .history import History
from .invariants.doubles import doubles
from .invariants.gaps import gaps
from .invariants.leaks import leaks
from .invariants.log_faults import log_faults
from .invariants.losses import losses
from .invariants.overlaps import overlaps
from .invariants.recovery import worst_recovery_s
from .verdict import Runs, Verdict


def check(entries: Iterable[Entry]) -> Verdict:
    """Return what a whole history shows: all clients' facts, and the ledger's read at the end."""
    history = History(entries)
    return Verdict(
        jobs=tuple(history.acceptors),
        lost=tuple(losses(history)),
        doubled=tuple(doubles(history)),
        gaps=tuple(gaps(history)),
        overlaps=tuple(overlaps(history)),
        log_faults=tuple(log_faults(history)),
        leaks=tuple(leaks(history)),
        forgotten=tuple(job for job in history.forgotten if job in history.acceptors),
        runs=_runs(history),
        worst_recovery_s=worst_recovery_s(history.entries),
    )


def _runs(history: History) -> dict[str, Runs]:
    steps = Counter((fact.job, fact.step) for _, fact in history.of(Ran))
    jobs = dict.fromkeys([*history.acceptors, *(job for job, _ in steps)])
    return {job: Runs(steps[job, "begin"], steps[job, "end"]) for job in jobs}
