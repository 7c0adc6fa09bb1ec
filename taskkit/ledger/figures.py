"""What operators are told of a ledger: how things stand, and what was counted of what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

WAIT_MS = (5, 25, 100, 500, 1000, 5000, 30_000, 120_000, 600_000, 3_600_000, 14_400_000)
"""The bounds between which waits are counted."""

RUN_MS = (10, 100, 1000, 10_000, 60_000, 300_000, 1_800_000, 7_200_000, 28_800_000, 86_400_000)
"""The same of how long jobs ran."""

CAUSES = (
    "worker_left",
    "lease_ended",
    "out_of_memory",
    "signal",
    "exit",
    "unreported",
    "other",
)
"""The kinds of an attempt's death, as `scripts/count.lua` tells them apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How often something took how long."""

    counts: tuple[int, ...]
    #: For each bound how many were at most that long, but longer than the bound before; the last
    #: are longer than all.
    sum_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A ledger at one moment. What was counted counts from the ledger's beginning."""

    queued: int
    #: Jobs that could begin now, or when their time to be tried again has come.
    running: int
    oldest_queued_ms: int
    #: For how long the one has waited that was queued first; 0 where none is.
    workers: int
    processes: int
    #: Of all workers.
    users: int
    #: Those who ever submitted.
    wakeups: int
    #: Messages in the broker's queue.
    log_events: int
    #: In all logs.
    longest_log_events: int
    counted: Mapping[str, int]
    #: Events by their type; ``lost:`` and a cause; ``missed`` are those that a log had trimmed
    #: before they were counted.
    waits: Durations
    #: From submission to the first attempt, of jobs that waited for no others.
    runs: Mapping[str, Durations]
    #: The last attempt of jobs that ended, by the state in which they are.


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFacts:
    """What Redis tells of itself. Empty where it is not allowed to."""

    bytes: Mapping[str, int] = field(default_factory=dict)
    #: ``memory_used``, ``memory_max`` (0: no limit), ``aof``.
    states: Mapping[str, bool] = field(default_factory=dict)
    #: ``aof_enabled``; ``persisting``: whether its last write and rewrite or snapshot went well.
    delayed_fsyncs: int | None = None
    clients: int | None = None


class Figures(Protocol):
    """Counts what happens in a ledger, each event once, however many processes do it.

    Raises:
        Unavailable: From any method: the ledger does not answer.
    """

    def count(self) -> int:
        """Count what happened since the last call, anybody's; return about how many events wait."""

    def standing(self) -> Standing:
        """Return how things stand."""

    def store(self) -> StoreFacts:
        """Return what is known of the store itself."""

    def keep(self, name: str, value: int) -> None:
        """Note a figure that is costly to find out, for all servers."""

    def kept(self, name: str) -> int | None:
        """Return the figure that was noted."""

    def is_turn(self, name: str, every_s: float) -> bool:
        """Return whether this process shall do what one server does at that pace."""
