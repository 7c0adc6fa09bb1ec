"""`History`: the facts of a run, by what asks for them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from taskkit.protocol.events import JobCancelled, JobFailed, JobSucceeded
from taskkit.protocol.jobs import JobState

from .facts import (
    Abandoned,
    Accepted,
    Began,
    CaughtUp,
    Entry,
    Fact,
    Forgotten,
    GapTold,
    Kept,
    Left,
    Logged,
    Received,
    Trimmed,
)

F = TypeVar("F", bound=Fact)

FINAL_STATES: dict[str, str] = {
    JobSucceeded.type: JobState.SUCCEEDED,
    JobFailed.type: JobState.FAILED,
    JobCancelled.type: JobState.CANCELLED,
}
"""Type of a final event -> the state that it leaves."""

View = list[Began | Received | GapTold | CaughtUp]
"""What one client noted of one log, in its order."""


@dataclass(frozen=True, slots=True)
class Log:
    """An owner's log as the ledger had it at the end."""

    owner: str
    epoch: str
    first_seq: int
    #: What was before is trimmed.
    events: tuple[Logged, ...]
    #: By seq; whether without holes is for the invariants to say.

    @property
    def last_seq(self) -> int:
        """The seq of the newest event, also where that is trimmed."""
        return self.events[-1].seq if self.events else self.first_seq - 1


class History:
    """Looks facts up; nothing is judged here."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.entries = tuple(entries)

    def of(self, kind: type[F]) -> Iterator[tuple[str, F]]:
        """Yield each fact of a kind with its witness, in the record's order."""
        for entry in self.entries:
            if isinstance(entry.fact, kind):
                yield entry.who, entry.fact

    @cached_property
    def acceptors(self) -> dict[str, tuple[str, ...]]:
        """Job -> the clients that were told it is accepted."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for who, fact in self.of(Accepted):
            found[fact.job].append(who)
        return {job: tuple(dict.fromkeys(clients)) for job, clients in found.items()}

    @cached_property
    def forgotten(self) -> dict[str, frozenset[str]]:
        """Job -> the clients that were told it is gone."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for who, fact in self.of(Forgotten):
            found[fact.job].add(who)
        return {job: frozenset(clients) for job, clients in found.items()}

    @cached_property
    def abandoned(self) -> dict[str, frozenset[str]]:
        """Epoch of a log that was given up -> the clients that had left before."""
        gone: set[str] = set()
        found = {}
        for _, who, fact in self.entries:
            match fact:
                case Left():
                    gone.add(who)
                case Abandoned(epoch=epoch):
                    found[epoch] = frozenset(gone)
        return found

    @cached_property
    def kept(self) -> dict[str, Kept]:
        """Job -> the ledger's record."""
        return {fact.job: fact for _, fact in self.of(Kept)}

    @cached_property
    def logs(self) -> tuple[Log, ...]:
        """The ledger's logs, one for each owner and epoch."""
        events: defaultdict[tuple[str, str], list[Logged]] = defaultdict(list)
        for _, fact in self.of(Logged):
            events[fact.owner, fact.epoch].append(fact)
        firsts = {(fact.owner, fact.epoch): fact.first_seq for _, fact in self.of(Trimmed)}
        return tuple(
            Log(
                owner=name[0],
                epoch=name[1],
                first_seq=firsts.get(name, 1),
                events=tuple(sorted(events[name], key=lambda event: event.seq)),
            )
            for name in dict.fromkeys([*events, *firsts])
        )

    @cached_property
    def views(self) -> dict[tuple[str, str], View]:
        """(Client, epoch) -> what it noted of that log."""
        found: defaultdict[tuple[str, str], View] = defaultdict(list)
        for who, fact in self.of(Fact):
            match fact:
                case Began() | Received() | GapTold() | CaughtUp():
                    found[who, fact.epoch].append(fact)
        return dict(found)
