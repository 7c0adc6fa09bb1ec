"""`Study`: a function at many points, each as often as its seeds are to differ."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..protocol.errors import RequestError, StudyChanged
from ..protocol.jobs import JobRecord, JobState
from .archive import Archive, Found
from .calls import Calling
from .dealer import Dealer
from .desk import Desk
from .finding import Finding
from .record import Growth, Record, growth_of
from .rows import Planned, Rows
from .space import is_drawn, whole, wider
from .table import Table

TRIES = 5
"""How often a record is written anew where another kernel was first."""

_UNDONE = (JobState.FAILED, JobState.CANCELLED)


class Study(Table):
    """The points of a sweep, one row for each point and repeat.

    `frame` is the table, at any time. Iterating it yields rows as they come. A study that has a
    name is the same one in every kernel: ``client.study(name)``.
    """

    def __init__(
        self, desk: Desk, record: Record, calling: Calling | None, archive: Archive | None
    ) -> None:
        super().__init__()
        self.title = record.name
        self.seed = record.seed
        self._desk = desk
        self._archive = archive
        #: None where it has no name, and is not kept.
        self._calling = calling
        #: None where the function cannot be had here.
        self._lock = threading.RLock()
        self._record = record
        self._connection = desk.link.connection
        waiting = JobRecord(id="", task=record.name, options=replace(desk.options, name=self.title))
        self._items: Rows = Rows(waiting)
        self._dealer: Dealer | None = None
        self._finding = Finding(
            desk.link,
            self._items,
            label=self.title,
            seed=self.seed,
            again=self._give,
            is_given=lambda index: self._dealer is not None and self._dealer.is_given(index),
        )
        self._become(record)
        if archive is not None:
            desk.link.studies[record.name] = self

    @property
    def name(self) -> str | None:
        """What it is found again by; None where it was given no name."""
        return None if self._archive is None else self._record.name

    @property
    def found_by(self) -> str:
        """What of a client finds it again, for panels."""
        return "reattach()" if self.name is None else f"study({self.name!r})"

    def planned(self, index: int) -> Planned:
        """Return what a row is to be."""
        return self._items.planned[index]

    def begin(self, found: Found | None = None) -> Study:
        """Take what is there of it, and have jobs carry the rest; for whoever opens it."""
        with self._lock:
            if found is not None:
                self._finding.know(self.jobs)
                self._finding.find(found.pieces, self._record.codes)
            self._give(self._items.unserved())
        return self

    def again(self, given: Record, changed: str) -> bool:
        """Have what is asked for once more in this kernel, too; return whether this is the study.

        It is not where the function is another one, and that is wanted: then it lets go of what it
        has not yet given to jobs, for the other one does.

        Raises:
            StudyChanged: It has another seed, or another function and `changed` is "refuse".
        """
        with self._lock:
            self._record.require_seed(given.seed)
            if self._record.with_code(given, changed).codes != self._record.codes:
                return self._let_go()
            [growth] = given.growths
            self._append(lambda record: with_growth(replace(record, is_stopped=False), growth))
            return self.look()

    def look(self) -> bool:
        """See what other kernels have made of it since; return whether this is the study still.

        It is not where its function is not to be had here, or is another one since.
        """
        with self._lock:
            if self._archive is None or self._dealer is None:
                return False
            found = self._archive.look()
            newest = self._archive.newest(found, self._record) or self._record
            if newest.codes != self._record.codes:
                return self._let_go()
            if newest.work() != self._record.work():
                self._become(newest)
            self.begin(found)
            return True

    def _let_go(self) -> bool:
        if self._dealer is not None:
            self._dealer.stop()
        return False

    def grow(
        self,
        more: Mapping[str, Any] | None = None,
        *,
        repeats: int | None = None,
        samples: int | None = None,
    ) -> Study:
        """Have more: what is there stays as it is, and is not run again.

        more: further values of some parameters, in the grid that was asked for last.
        repeats: how often each point is called in all.
        samples: how many points there are to be that are drawn, in all.

        >>> from taskkit import Client
        >>> study = Client().sweep(pow, {"base": [2, 3], "exp": [1, 2]})
        >>> len(study), len(study.grow({"exp": [3]})), len(study.grow(repeats=2))
        (4, 6, 12)

        Raises:
            ValueError: It has no such parameter, or its values are drawn.
            RequestError: Its function is not to be had in this kernel: `sweep` again with it.
        """
        with self._lock:
            self._require_calling()
            self._append(lambda record: _grown(record, more, repeats, samples))
            return self.begin()

    def cancel(self) -> int:
        """Cancel what is not yet final; return how many rows are cancelled now.

        It stays so in other kernels, too, until `retry`, `grow` or another `sweep`.
        """
        if self._dealer is not None:
            self._dealer.stop()
        with self._lock:
            self._items.withdraw(self._items.unserved(), self._desk.link)
        for job in reversed(self.jobs):
            job.cancel()
        records = self.records()
        if any(not record.id for record in records):
            self._append(lambda record: replace(record, is_stopped=True))
        return sum(record.state is JobState.CANCELLED for record in records)

    def retry(self) -> Study:
        """Call the function again for rows that failed or were cancelled, with the same seeds.

        Raises:
            RequestError: The function is not to be had in this kernel: `sweep` again with it.
        """
        with self._lock:
            dealer = self._require_calling()
            self._append(lambda record: replace(record, is_stopped=False))
            dealer.give_each(
                [n for n, record in enumerate(self.records()) if record.state in _UNDONE],
                is_again=True,
            )
            return self

    def __repr__(self) -> str:
        return f"<Study {self.title}: {self._counted()} rows are final>"

    def _append(self, change: Any) -> None:
        """Have the record be another one, here and where it is kept."""
        if self._archive is None:
            self._become(change(self._record))
            return
        for _ in range(TRIES):
            wanted = change(self._record)
            if wanted.work() == self._record.work():
                return
            found = self._archive.look()
            newest = self._archive.newest(found, self._record) or self._record
            if newest.work() != self._record.work():
                # Another kernel has made more of it since: what is there of that comes first.
                if newest.codes != self._record.codes:
                    raise StudyChanged(
                        f"another kernel has given the study {self.title!r} another function since:"
                        f" client.study({self.title!r}) returns it as it is now"
                    )
                self._become(newest)
                self.begin(found)
                continue
            if self._archive.put(found.next_number, wanted):
                self._become(wanted)
                return
        raise RequestError(f"others change the study {self.title!r} all the time; try again")

    def _become(self, record: Record) -> None:
        is_known = len(self._record.growths) if len(self._items) else 0
        self._record = record
        for growth in record.growths[is_known:]:
            self._items.add(growth.points(), growth.repeats)
        if self._calling is not None and self._dealer is None:
            self._dealer = Dealer(
                self._desk,
                self._items,
                self._calling,
                record.codes[-1],
                label=self._desk.options.name if self.name is None else self.title,
                name=self.name,
                held=self,
            )

    def _give(self, indices: list[int]) -> None:
        with self._lock:
            if self._dealer is not None and not self._record.is_stopped:
                self._dealer.give(indices)
            else:
                self._items.withdraw(indices, self._desk.link)

    def _require_calling(self) -> Dealer:
        if self._dealer is None:
            raise RequestError(
                f"the function of the study {self.title!r} cannot be had in this kernel: call "
                "client.sweep with it, the grid and the study's name"
            )
        return self._dealer

    def _more_columns(self) -> dict[str, list[Any]]:
        """Return by which of its functions each row was computed, where there are several."""
        if len(self._record.codes) < 2:
            return {}
        slots = list(self._items.slots())
        codes = [None if slot is None else self._items.codes.get(slot.job) for slot in slots]
        return {"code": [None if code is None else code[:8] for code in codes]}


def _grown(
    record: Record, more: Mapping[str, Any] | None, repeats: int | None, samples: int | None
) -> Record:
    record = replace(record, is_stopped=False)
    last = record.growths[-1]
    if more is not None or samples is not None:
        space = last.space if more is None else wider(last.space, more)
        if samples is not None and last.drawn is None and not any(map(is_drawn, space.values())):
            raise ValueError("the study is a grid, of which every point is there: name more values")
        if samples is None and last.drawn is not None:
            samples = len(last.drawn)
        last = growth_of(space, samples=samples, repeats=last.repeats, root=record.seed)
        record = with_growth(record, last)
    if repeats is not None:
        for known in record.growths:
            if known.repeats < whole("repeats", repeats, 1):
                record = with_growth(record, replace(known, repeats=repeats))
    return record


def with_growth(record: Record, growth: Growth) -> Record:
    """Return the record with these points too; itself where they are all there."""
    if any(_holds(known, growth) for known in record.growths):
        return record
    return replace(record, growths=(*record.growths, growth))


def _holds(known: Growth, growth: Growth) -> bool:
    return list(known.parts()) == list(growth.parts())
