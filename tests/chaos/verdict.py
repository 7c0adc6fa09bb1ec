"""What `checker.check` says of a history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must not be."""

    about: str
    #: A job's id; for gaps a client's name, for log faults an owner's, for a reused key the key.
    seen: str
    #: A sentence with the places at which to look.


class Runs(NamedTuple):
    """How often a job's task itself began and ended."""

    begun: int
    ended: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a history shows; nothing is wrong where all tuples but `jobs` are empty."""

    jobs: tuple[str, ...]
    #: Ids of the jobs that clients were told are accepted, in that order, each once.
    lost: tuple[Violation, ...]
    #: Accepted jobs without an end: in the ledger, or for the client. At most one for each job.
    doubled: tuple[Violation, ...]
    #: Jobs with more ends than one, or with ends that differ by who is asked.
    gaps: tuple[Violation, ...]
    #: Views of clients that are not the log.
    overlaps: tuple[Violation, ...]
    #: Jobs of which two attempts were valid at once, or whose attempts were not counted upwards.
    log_faults: tuple[Violation, ...]
    #: Logs that are not whole.
    leaks: tuple[Violation, ...]
    #: Processes that kept memory or file descriptors.
    forgotten: tuple[str, ...]
    #: Accepted jobs that are gone and whose clients were told so. Only a ledger that was set back
    #: may do that.
    runs: Mapping[str, Runs]
    #: For each accepted job and each that ran.
    worst_recovery_s: float | None
    #: See `invariants.recovery`.

    @property
    def violations(self) -> tuple[Violation, ...]:
        """All of them."""
        return self.lost + self.doubled + self.gaps + self.overlaps + self.log_faults + self.leaks

    def __str__(self) -> str:
        kinds = ("lost", "doubled", "gaps", "overlaps", "log_faults", "leaks")
        lines = [f"{kind}: {one.seen}" for kind in kinds for one in getattr(self, kind)]
        return "\n".join([f"{len(self.jobs)} jobs, {len(lines)} violations", *lines])
