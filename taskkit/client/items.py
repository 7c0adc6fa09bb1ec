"""`Items`: which job carries each item of a map, and what came of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..protocol.jobs import JobRecord, JobState
from ..travel.chunks import CallsFailed, Outcomes, Raised
from .job import RECHECK_S, Job
from .results import raised

Changed = Callable[[], None]
OnPut = Callable[[range, Job[Any]], None]


class Slot(NamedTuple):
    """Where an item is."""

    job: Job[Any]
    place: int | None
    #: Within the job's chunk; None where the job is the item's alone.

    def has_outcome(self) -> bool:
        """Return whether the item's outcome is here: a chunk may have given the item back."""
        if self.place is None or not self.job.done():
            return self.job.done()
        values = known_values(self.job)
        return values is None or self.place < len(values)


class Items:
    """The items of one map; safe from any thread.

    An item may wait for a moment to be given to a job, and a chunk whose time was up gives items
    back, which then get another job.
    """

    def __init__(self, waiting: JobRecord, count: int) -> None:
        self._waiting = waiting
        #: What is shown of an item that no job carries.
        self._carriers: list[Job[Any] | Slot | None] = [None] * count
        #: Each item's own or its chunk's job, and nothing made for one item of very many; or
        #: where it is, if it is not among the items from the chunk's first on.
        self._firsts: dict[Job[Any], int] = {}
        #: The first item of each chunk.
        self._is_moved = threading.Condition()
        self._watchers: list[Changed] = []
        self._on_put: list[OnPut] = []
        self._values: dict[Job[Any], list[Any]] = {}
        #: What came of chunks that were asked for.

    @classmethod
    def alone(cls, jobs: Sequence[Job[Any]]) -> Items:
        """Return items of which each has one of these jobs."""
        items = cls(JobRecord(id="", task=""), len(jobs))
        for index, job in enumerate(jobs):
            items.put(index, job)
        return items

    def __len__(self) -> int:
        return len(self._carriers)

    def put(self, first: int, job: Job[Any], chunk: int | None = None) -> None:
        """Have a job carry the item `first`, or as a chunk so many from there on."""
        items = range(first, first + (1 if chunk is None else chunk))
        with self._is_moved:
            if chunk is not None:
                self._firsts[job] = first
            self._carriers[items.start : items.stop] = [job] * len(items)
            self._is_moved.notify_all()
        job.watch(self._changed)
        for told in self._on_put:
            told(items, job)
        self._changed()

    def on_put(self, told: OnPut) -> None:
        """Call `told(indices, job)` whenever a job is given items."""
        self._on_put.append(told)

    def wait_carried(self, timeout_s: float) -> bool:
        """Wait until a job carries each item, `timeout_s` at most; return whether one does."""
        with self._is_moved:
            return self._is_moved.wait_for(lambda: None not in self._carriers, timeout_s)

    def slot(self, index: int) -> Slot | None:
        """Return where an item is; None where no job carries it yet."""
        carrier = self._carriers[index]
        if carrier is None or isinstance(carrier, Slot):
            return carrier
        first = self._firsts.get(carrier)
        return Slot(carrier, None if first is None else index - first)

    def slots(self) -> Iterator[Slot | None]:
        """Yield where each item is."""
        return map(self.slot, range(len(self)))

    def jobs(self) -> tuple[Job[Any], ...]:
        """Return the jobs that carry items now, in the items' order, each once."""
        found = dict.fromkeys(self._carriers)  # of many items with one job each, it once
        jobs = (one.job if isinstance(one, Slot) else one for one in found)
        return tuple(dict.fromkeys(job for job in jobs if job is not None))

    # What came of an item

    def outcome(self, index: int, deadline: float | None) -> Any:
        """Wait until an item has an outcome, and return or raise it.

        Raises:
            TimeoutError: It has none at the `deadline`, by `time.monotonic`.
            BaseException: What the call raised, or what its job ended with.
        """
        # Of thousands of short calls, most are in a chunk that is known to be here.
        job = self._carriers[index]
        values = self._values.get(job)  # type: ignore[arg-type]  # of whatever else there are none
        place = 0 if values is None else index - self._firsts[job]  # type: ignore[index]
        if values is None or place >= len(values):
            slot = self.wait(index, deadline)
            if slot.place is None:
                return slot.job.result(_left_s(deadline))
            values = self._values[slot.job] = came_of(slot.job, _left_s(deadline)).values
            place = slot.place
        value = values[place]
        if isinstance(value, Raised):
            raise raised(value.error, value.pickled)
        return value

    def wait(self, index: int, deadline: float | None = None) -> Slot:
        """Wait until an item has an outcome; return where it is.

        Raises:
            TimeoutError: It has none at the `deadline`.
        """
        given_back = None
        while True:
            slot = self._elsewhere(index, given_back, deadline)
            if slot.place is None:
                slot.job.wait_final(_left_s(deadline))
            elif not self._is_over_or_moved(index, slot, deadline):
                raise TimeoutError(f"item {index} is not done; it goes on")
            if slot.has_outcome():
                return slot
            given_back = slot

    def _is_over_or_moved(self, index: int, slot: Slot, deadline: float | None) -> bool:
        """Wait until a chunk has ended or released the item to another job, until the deadline."""

        def is_so() -> bool:
            return slot.job.done() or self.slot(index) != slot

        while not is_so():
            left_s = _left_s(deadline)
            slice_s = RECHECK_S if left_s is None else min(RECHECK_S, left_s)
            with self._is_moved:
                if self._is_moved.wait_for(is_so, slice_s):
                    return True
            if slice_s == left_s:
                return False
            slot.job.look_again()
        return True

    def is_done(self) -> bool:
        """Return whether every item has an outcome."""
        return all(slot is not None and slot.has_outcome() for slot in self.slots())

    def forget(self, index: int) -> None:
        """Let go of the outcome of an item, which nobody will ask for again."""
        slot, self._carriers[index] = self.slot(index), None
        values = None if slot is None or slot.place is None else known_values(slot.job)
        if values is not None and slot is not None and slot.place is not None:
            values[slot.place] = None

    def _elsewhere(self, index: int, given_back: Slot | None, deadline: float | None) -> Slot:
        """Wait until a job carries an item, another one than that which gave it back."""
        with self._is_moved:
            self._is_moved.wait_for(
                lambda: self.slot(index) not in (None, given_back), _left_s(deadline)
            )
            slot = self.slot(index)
        if slot is None or slot == given_back:
            raise TimeoutError(f"item {index} has not begun; it goes on")
        return slot

    # What a panel needs

    def records(self) -> list[JobRecord]:
        """Return a record for each item; those of a chunk share its job's until it is final."""
        chunks: dict[Job[Any], Sequence[JobRecord]] = {}
        found = []
        for slot in self.slots():
            if slot is None:
                found.append(self._waiting)
            elif slot.place is None:
                found.append(slot.job.record)
            else:
                if slot.job not in chunks:
                    chunks[slot.job] = self._records_of(slot.job)
                records = chunks[slot.job]
                found.append(records[min(slot.place, len(records) - 1)])
        return found

    def watch(self, changed: Changed) -> Changed:
        """Call `changed()` after each change; return how to stop."""
        self._watchers.append(changed)

        def stop() -> None:
            if changed in self._watchers:
                self._watchers.remove(changed)

        return stop

    def _records_of(self, chunk: Job[Any]) -> Sequence[JobRecord]:
        """Return a record for each outcome of a chunk; the last one is of all behind it, too."""
        record, values = chunk.record, known_values(chunk)
        if values is None:
            return (record,)
        good = replace(record, state=JobState.SUCCEEDED, error=None)
        records = [
            replace(record, state=JobState.FAILED, error=value.error)
            if isinstance(value, Raised)
            else good
            for value in values
        ]
        return (*records, self._waiting)

    def _changed(self) -> None:
        with self._is_moved:
            self._is_moved.notify_all()
        for changed in list(self._watchers):
            changed()


def came_of(chunk: Job[Any], timeout: float | None = 0) -> Outcomes:
    """Wait for what came of a chunk's calls.

    Raises:
        TimeoutError: The time is over.
        BaseException: What the job as a whole ended with.
    """
    try:
        found: Outcomes = chunk.result(timeout)
    except CallsFailed as error:
        found = error.outcomes
    return found


def known_values(chunk: Job[Any]) -> list[Any] | None:
    """Return what came of a chunk's calls; None where it has not ended, or failed as a whole."""
    if not chunk.done():
        return None
    try:
        return came_of(chunk).values
    except BaseException:  # noqa: BLE001  # which is the outcome of each of its items
        return None


def _left_s(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())
