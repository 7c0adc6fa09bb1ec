"""The jobs of one `map`, as one thing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

from ..protocol.jobs import JobRecord
from .job import Job

T = TypeVar("T")


class Batch(Generic[T]):
    """Iterates the results in the order of the inputs, waiting for each; its jobs are in `jobs`.

    `batch[i]` is the i-th result, `batch[i:j]` a list of them.
    """

    def __init__(
        self,
        title: str,
        jobs: Sequence[Job[T]],
        connection: Callable[[], str],
        deadline: float | None,
    ) -> None:
        self.title = title
        #: What a panel calls it.
        self.jobs: tuple[Job[T], ...] = tuple(jobs)
        #: In the order of the inputs.
        self._connection = connection
        self._deadline = deadline
        self._own_iterator: Iterator[T] | None = None

    def __len__(self) -> int:
        return len(self.jobs)

    def __iter__(self) -> Iterator[T]:
        for job in self.jobs:
            yield self._result(job)

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
            return [self._result(job) for job in self.jobs[index]]
        return self._result(self.jobs[index])

    def done(self) -> bool:
        """Return whether every job is final."""
        return all(job.done() for job in self.jobs)

    def cancel(self) -> int:
        """Cancel what is not yet final; return how many jobs are cancelled now."""
        # The last first: those at the front may be nearly done.
        return sum(job.cancel() for job in reversed(self.jobs))

    # What a panel needs

    def records(self) -> list[JobRecord]:
        """Return each job's record, in order."""
        return [job.record for job in self.jobs]

    def connection(self) -> str:
        """Return "" while news arrive as they should, else what is being done about it."""
        return "" if self.done() else self._connection()

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed()` after each change of any job; return how to stop it."""
        unwatch = [job.watch(changed) for job in self.jobs]

        def stop() -> None:
            for one in unwatch:
                one()

        return stop

    def _ipython_display_(self) -> None:
        from ..panels import show

        show(self)

    def __repr__(self) -> str:
        final = sum(record.is_final for record in self.records())
        return f"<Batch {self.title}: {final} of {len(self.jobs)} jobs are final>"

    def _result(self, job: Job[T]) -> T:
        left = None if self._deadline is None else self._deadline - time.monotonic()
        return job.result(left)


Jobs = Batch[Any] | Sequence[Job[Any]]
