"""`Rows`: the items of a study, of which there may come more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ..client.items import Items, Slot, known_values
from ..client.job import Job
from ..client.service import Service
from ..protocol.jobs import JobRecord, JobState
from ..travel.chunks import Raised
from .points import Values, digest_of


class Planned(NamedTuple):
    """What one row is to be: a call."""

    values: Values
    digest: bytes
    #: Of the values.
    repeat: int


class Rows(Items):
    """Each point with each repeat, in the order in which they were asked for; it only grows."""

    def __init__(self, waiting: JobRecord) -> None:
        super().__init__(waiting, 0)
        self.planned: list[Planned] = []
        self._places: dict[tuple[bytes, int], int] = {}
        self.codes: dict[Job[Any], str] = {}
        #: Which function each job calls.

    def add(self, points: Iterable[Values], repeats: int) -> None:
        """Plan these points, so often each, where they are not yet."""
        new: list[Planned] = []
        for values in points:
            digest = digest_of(values)
            for repeat in range(repeats):
                place = len(self.planned) + len(new)
                if self._places.setdefault((digest, repeat), place) == place:
                    new.append(Planned(values, digest, repeat))
        with self._is_moved:
            self.planned += new
            self._carriers += [None] * len(new)
        self._changed()

    def widen(self, count: int) -> None:
        """Have there be so many more rows, of which it is not known yet what they are to be."""
        with self._is_moved:
            self._carriers += [None] * count
        self._changed()

    def place(self, digest: bytes, repeat: int) -> int:
        """Return which row is this call."""
        return self._places[digest, repeat]

    def take(self, index: int, slot: Slot, *, is_given: bool) -> None:
        """Take a row to be where a job of before has it, unless it has its value already.

        Of jobs that run, the newest has it: the others have given it back. What this kernel has
        given to jobs it sees to itself (`is_given`), until it has an outcome.
        """
        before = self.slot(index)
        if is_given and (before is None or not before.has_outcome()):
            return
        if before is None or not _is_good(before):
            self._carriers[index] = slot

    def unserved(self) -> list[int]:
        """Return the rows that no job carries, or only one that has given them back or never was
        sent."""
        return [
            index
            for index, slot in enumerate(self.slots())
            if slot is None or _is_withdrawn(slot) or (slot.job.done() and not slot.has_outcome())
        ]

    def withdraw(self, indices: Iterable[int], service: Service) -> None:
        """Have these rows be cancelled without ever having been sent."""
        for index in indices:
            job: Job[Any] = Job(service, self._waiting.task, self._waiting.options)
            job.withdraw()
            self.put(index, job)

    def follow(self, job: Job[Any]) -> None:
        """Tell who watches of a job of before, too."""
        job.watch(self._changed)
        self._changed()


class Stretch(Items):
    """Some rows one after another, as the items of a map of their own."""

    def __init__(self, rows: Rows, part: range) -> None:
        self._rows = rows
        self._part = part

    def __len__(self) -> int:
        return len(self._part)

    def put(self, first: int, job: Job[Any], chunk: int | None = None) -> None:
        """Have a job carry the item `first`, or as a chunk so many from there on."""
        self._rows.put(self._part[first], job, chunk)

    def slot(self, index: int) -> Slot | None:
        """Return where an item is; None where no job carries it yet."""
        return self._rows.slot(self._part[index])


def stretches(indices: Iterable[int]) -> Iterator[range]:
    """Yield rising numbers as ranges.

    >>> list(stretches([0, 1, 2, 5, 7, 8]))
    [range(0, 3), range(5, 6), range(7, 9)]
    """
    start = stop = None
    for index in indices:
        if start is None or index != stop:
            if start is not None and stop is not None:
                yield range(start, stop)
            start = index
        stop = index + 1
    if start is not None and stop is not None:
        yield range(start, stop)


def _is_withdrawn(slot: Slot) -> bool:
    return slot.job.record.state is JobState.CANCELLED and not slot.job.record.id


def _is_good(slot: Slot) -> bool:
    """Return whether a row has a value here."""
    if not slot.job.done():
        return False
    if slot.place is None:
        return slot.job.record.state is JobState.SUCCEEDED
    values = known_values(slot.job)
    return (
        values is not None
        and slot.place < len(values)
        and not isinstance(values[slot.place], Raised)
    )
