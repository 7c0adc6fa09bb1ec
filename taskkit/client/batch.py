"""The jobs of one `map`, as one thing."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ..protocol.errors import RequestError
from ..protocol.jobs import Figure, JobRecord, JobState
from ..travel.awaited import Reduced
from .carded import ItemCall
from .in_cells import InCells
from .item_futures import ItemFutures
from .items import Items
from .job import Job
from .sharing import Shareable
from .spread import Spread

if TYPE_CHECKING:
    from ..provenance.card import Card

T = TypeVar("T")

CARRIED_S = 30.0
"""How long `share` waits for each item to have a job."""


class Batch(InCells, Shareable, Generic[T]):
    """Iterates the results in the order of the inputs, waiting for each.

    `batch[i]` is the i-th result, `batch[i:j]` a list of them. `jobs` are what carries the items:
    one each, or, where they are short, many in one. Results are kept for as long as the batch is;
    ``for result in client.map(…)`` lets go of each as it goes on.
    """

    def __init__(
        self,
        title: str,
        items: Items,
        connection: Callable[[], str],
        deadline: float | None,
        spread: Spread | None = None,
    ) -> None:
        self.title = title
        #: What a panel calls it.
        self._items = items
        self._connection = connection
        self._deadline = deadline
        self._spread = spread
        self._own_iterator: Iterator[T] | None = None
        self._futures: list[Future[T]] | None = None

    @property
    def jobs(self) -> tuple[Job[Any], ...]:
        """The jobs that carry the items by now, in the items' order."""
        return self._items.jobs()

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return _results(self._items, weakref.ref(self), self._deadline)

    def __next__(self) -> T:
        # `Executor.map` returns an iterator; whoever calls `next` on it may do so here too.
        if self._own_iterator is None:
            self._own_iterator = iter(self)
        return next(self._own_iterator)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            return [self._result(place) for place in range(len(self))[index]]
        return self._result(range(len(self))[index])

    def done(self) -> bool:
        """Return whether every item has its outcome."""
        return self._items.is_done()

    def cancel(self) -> int:
        """Cancel what is not yet final; return how many items are cancelled now."""
        if self._spread is not None:
            self._spread.stop()
        # The last first: those at the front may be nearly done.
        for job in reversed(self.jobs):
            job.cancel()
        return sum(record.state is JobState.CANCELLED for record in self.records())

    def retry(self) -> Batch[T]:
        """Submit again what failed or was cancelled, in its place in this batch; return the batch.

        It is made of what was sent then: changes of the function since do not count.

        Raises:
            JobNotFound: Of an item, what it was made of is not kept any more.
        """
        failed = (JobState.FAILED, JobState.CANCELLED)
        self._futures = None
        for index, record in enumerate(self.records()):
            slot = self._items.slot(index)
            if record.state not in failed or slot is None or not slot.has_outcome():
                continue
            if self._spread is not None:
                self._spread.again(index)
            else:
                self._items.put(index, slot.job.retry())
        return self

    def futures(self) -> list[Future[T]]:
        """Return a future for each item, always the same: its job, where it has one of its own.

        After `retry` they are others, of which those that had succeeded are done.
        """
        if self._futures is None:
            self._futures = ItemFutures(self._items).all()
        return list(self._futures)

    def card(self, index: int) -> Card:
        """Return how an item came about: the call, whichever job carried it; see `Job.card`.

        >>> from taskkit import Client
        >>> batch = Client().map(abs, [-1, 2, -3])
        >>> batch[2]
        3
        >>> batch.card(2)["item"]["index"]
        2

        Raises:
            RequestError: No job carries the item yet.
        """
        place = range(len(self))[index]
        slot = self._items.slot(place)
        if slot is None:
            raise RequestError(f"no job carries item {place} yet: ask for its card when one does")
        call = None if self._spread is None else self._spread.call(place)
        return slot.job.card_of_item(ItemCall(place, len(self), slot.place, call))

    def _shown(self) -> Sequence[Job[Any]]:
        if not self._items.wait_carried(CARRIED_S):
            raise RequestError("not all items have a job yet: share the batch when they do")
        return self.jobs

    # What a panel needs

    def records(self) -> list[JobRecord]:
        """Return each item's record, in order."""
        return self._items.records()

    def connection(self) -> str:
        """Return "" while news arrive as they should, else what is being done about it."""
        return "" if self.done() else self._connection()

    def content(self, figure: Figure, *, wait_s: float = 0.0) -> bytes | None:
        """Return what a figure is, of a batch of one job; see `panels.shown`."""
        return next((job.content(figure, wait_s=wait_s) for job in self.jobs), b"")

    def card_html(self, *, wait_s: float = 0.0) -> str | None:  # noqa: ARG002
        """Return nothing: its items have cards, by `card`."""
        return ""

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed()` after each change of any job; return how to stop it."""
        return self._items.watch(changed)

    def __reduce__(self) -> Reduced:
        # As an argument of a job it is the list of its results there.
        slots = list(self._items.slots())
        if any(slot is None or slot.place is not None for slot in slots):
            raise TypeError("items share jobs; with chunksize=1 each result travels as an argument")
        return list, ([slot.job for slot in slots if slot is not None],)

    def __repr__(self) -> str:
        final = sum(record.is_final for record in self.records())
        return f"<Batch {self.title}: {final} of {len(self)} jobs are final>"

    def _result(self, index: int) -> T:
        value: T = self._items.outcome(index, self._deadline)
        return value


def _taken(items: Items, index: int, batch: weakref.ref[Batch[T]], deadline: float | None) -> T:
    value: T = items.outcome(index, deadline)
    if batch() is None:  # nobody can ask for it again
        items.forget(index)
    return value


def _results(items: Items, batch: weakref.ref[Batch[T]], deadline: float | None) -> Iterator[T]:
    for index in range(len(items)):
        # Not by way of a name: while it waits, a generator holds what it has names for.
        yield _taken(items, index, batch, deadline)


Jobs = Batch[Any] | Sequence[Job[Any]]
