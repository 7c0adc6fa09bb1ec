"""`Table`: what studies and searches have in common: rows that fill, as a frame and as a panel."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..client.in_cells import InCells
from ..client.item_futures import ItemFutures
from ..client.items import Items, Slot, came_of
from ..client.job import Job
from ..protocol.jobs import Figure, JobRecord, JobState
from .optional import needed
from .rows import Planned
from .seeds import seed_of, sequence_of

AT_ONCE = 8
"""How many results are asked for at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One call: what it was given, and what has become of it."""

    values: Mapping[str, Any]
    repeat: int
    seed: int | None
    #: What the function is given where it has a parameter `seed`.
    state: JobState
    value: Any = None
    #: What it returned; None where it has not, too.
    error: str | None = None
    #: Why there is none, in a line.
    took_s: float | None = None
    #: How long its job ran; of calls that shared one, their part of what all of them took.


class Table(InCells):
    """Rows, each of which a job fills. A panel in a cell shows how far they are."""

    title: str
    #: What a panel calls it.
    seed: int
    #: The root of all seeds.
    _repeat = "repeat"
    #: What tells the calls of one point apart.
    _items: Items
    _connection: Callable[[], str]

    def __init__(self) -> None:
        self._brought: set[int] = set()
        #: The rows whose results have been asked for that are not in their job's record.

    def planned(self, index: int) -> Planned | None:
        """Return what a row is to be; None where that is not known yet."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Row]:
        """Yield rows as they get their outcome, first those that have it."""
        futures = ItemFutures(self._items).all()
        places: dict[Future[Any], int] = {future: n for n, future in enumerate(futures)}
        for future in as_completed(places):
            yield self.row(places[future])

    def row(self, index: int) -> Row:
        """Return one row as it is now."""
        return self._row(index, self.records()[index])

    def frame(self) -> Any:
        """Return all rows as a pandas DataFrame, with what is known by now.

        A column for each parameter, `repeat`, `seed`, `state`; then what the function returned, by
        the names of a dict, else as `value`; then `took_s` and `error`. A name that is taken makes
        it ``result_`` and that name for a result, and ``study_`` where a parameter has one of the
        study's own. A result that is not there is NaN.

        Raises:
            ImportError: pandas is not installed.
        """
        pandas = needed("pandas", "study.frame()")
        records = self.records()
        self._bring(records)
        rows = [self._row(n, record) for n, record in enumerate(records)]
        names = dict.fromkeys(name for row in rows for name in row.values)
        taken = {*names, *_OWN}
        results = [_columns(row, taken) for row in rows]

        def own(name: str) -> str:
            return f"study_{name}" if name in names else name

        columns: dict[str, list[Any]] = {
            **{name: [row.values.get(name) for row in rows] for name in names},
            own(self._repeat): [row.repeat for row in rows],
            own("seed"): [row.seed for row in rows],
            own("state"): [row.state.value for row in rows],
        }
        for name in dict.fromkeys(name for result in results for name in result):
            columns[name] = [result.get(name, float("nan")) for result in results]
        columns[own("took_s")] = [float("nan") if r.took_s is None else r.took_s for r in rows]
        columns[own("error")] = [row.error for row in rows]
        return pandas.DataFrame({**columns, **self._more_columns()})

    def wait(self, timeout: float | None = None) -> Any:
        """Wait until every row has its outcome, whatever that is; return the study.

        Raises:
            TimeoutError: They have not after `timeout` seconds; they go on.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        for index in range(len(self._items)):
            self._items.wait(index, deadline)
        return self

    def done(self) -> bool:
        """Return whether every row has its outcome."""
        return self._items.is_done()

    @property
    def jobs(self) -> tuple[Job[Any], ...]:
        """The jobs that carry rows by now; short calls share some."""
        return self._items.jobs()

    def _bring(self, records: Sequence[JobRecord]) -> None:
        """Have results that the server keeps be here, several at a time."""
        apart = [
            index
            for index, record in enumerate(records)
            if record.result is not None
            and record.result.inline is None
            and index not in self._brought
        ]
        if len(apart) > 1:
            with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="taskkit-frame") as pool:
                deque(pool.map(self._outcome, apart), maxlen=0)
        self._brought.update(apart)

    def _outcome(self, index: int) -> None:
        with suppress(Exception):  # which its row tells
            self._items.outcome(index, None)

    def _more_columns(self) -> dict[str, list[Any]]:
        return {}

    def _row(self, index: int, record: JobRecord) -> Row:
        planned = self.planned(index)
        if planned is None:
            return Row(values={}, repeat=index, seed=None, state=record.state)
        seed = seed_of(sequence_of(self.seed, planned.digest, planned.repeat))
        value, took_s = None, None
        error = record.error.summary if record.error is not None else None
        slot = self._items.slot(index)
        if record.state is JobState.SUCCEEDED and slot is not None:
            try:
                value = self._items.outcome(index, None)
                took_s = _took_s(slot)
            except Exception as why:  # noqa: BLE001  # its class may not be here, or it is gone
                error = f"the result cannot be had: {type(why).__name__}: {why}"
        return Row(
            values=planned.values,
            repeat=planned.repeat,
            seed=seed,
            state=record.state,
            value=value,
            error=error,
            took_s=took_s,
        )

    # What a panel needs

    def records(self) -> list[JobRecord]:
        """Return a record for each row, in order."""
        return self._items.records()

    def connection(self) -> str:
        """Return "" while news arrive as they should, else what is being done about it."""
        return "" if self.done() else self._connection()

    def content(self, figure: Figure, *, wait_s: float = 0.0) -> bytes | None:
        """Return what a figure is, of a study of one row; see `panels.shown`."""
        return next((job.content(figure, wait_s=wait_s) for job in self.jobs), b"")

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed()` after each change of any row; return how to stop it."""
        return self._items.watch(changed)

    def _counted(self) -> str:
        final = sum(record.is_final for record in self.records())
        return f"{final} of {len(self)}"


_OWN = ("repeat", "trial", "seed", "state", "took_s", "error", "code")


def _columns(row: Row, taken: set[str]) -> dict[str, Any]:
    """Return what a row's result is in columns."""
    if row.state is not JobState.SUCCEEDED:
        return {}
    value = row.value._asdict() if hasattr(row.value, "_asdict") else row.value
    is_named = isinstance(value, Mapping) and all(isinstance(name, str) for name in value)
    named = value if is_named else {"value": value}
    return {f"result_{name}" if name in taken else name: one for name, one in named.items()}


def _took_s(slot: Slot) -> float | None:
    if slot.place is not None:
        found = came_of(slot.job)
        return found.took_s / len(found.values)
    record = slot.job.record
    if record.started_at is None or record.finished_at is None:
        return None
    return (record.finished_at - record.started_at) / 1000
