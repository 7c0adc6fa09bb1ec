"""`Spread`: gives the items of a map to jobs, many to one where they are short.

A job costs some milliseconds wherever it runs, so short calls are faster in chunks; but the calls
of a chunk wait for one another while other processes may idle. So a few items go ahead, and what
they take decides. A chunk whose time is up gives back what it has not begun.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import filterfalse
from typing import Any

from ..protocol.errors import PayloadTooLarge
from ..protocol.jobs import Progress
from ..travel.chunks import RELEASED, Blocks, Call
from .items import Items, came_of
from .job import Job
from .submitter import Request

FEW = 64
"""Up to so many items have a job each, whatever they take."""

LONG_S = 0.01
"""From this duration on an item has a job of its own, which costs it little."""

CHUNK_S, STOP_S = 0.1, 0.5
"""How long a chunk is to take, and after how long it begins no further call."""

PATIENCE_S = 2.0
"""How long the items that go ahead are waited for; then all have a job each."""

CHUNK_BLOCKS, CHUNK_RESULT_BYTES = 32, 2**20
"""How many blocks of arguments a chunk brings at most, and about how large its results are."""

RELEASED_CHUNKS = 16
"""To how many chunks is given what one has released: some of these calls are long, so few of them
are to wait for one another; each chunk releases likewise."""

Order = Callable[[Call], tuple[Job[Any], Request]]
"""Makes a job, and the request for it, of the arguments of a call."""

Send = Callable[[list[Request], list[Job[Any]]], None]


class _Given:
    """The items that a chunk carries; fewer, once it has released some, and none at its end."""

    def __init__(self, part: range) -> None:
        self.part = part


class Spread:
    """Of one map. Its thread ends when every item has been given to a job."""

    def __init__(
        self, items: Items, blocks: Blocks, order: Order, send: Send, processes: Callable[[], int]
    ) -> None:
        self._items = items
        self._blocks = blocks
        self._order = order
        self._send = send
        self._processes = processes
        #: Asks how many jobs may run at once.
        self._stop_s: float | None = STOP_S
        self._news = threading.Event()
        self._is_over = threading.Event()
        self._is_back = threading.Condition()
        self._underway = 0
        #: How many chunks may give items back.
        self._thread = threading.Thread(target=self._run, name="taskkit-map", daemon=True)

    def begin(self, size: int | None = None) -> None:
        """Give the items to jobs: at once so many to each, or, in a thread, as many as fit."""
        if size is None:
            self._thread.start()
        else:
            self._stop_s = None
            self._give(range(len(self._items)), size, is_chunked=True)

    def again(self, index: int) -> None:
        """Give an item whose call failed or was cancelled to a job of its own."""
        self._is_over.clear()
        self._give(range(index, index + 1), 1)

    def stop(self) -> None:
        """Give no more items to jobs: those that none carries are cancelled."""
        self._is_over.set()
        self._news.set()
        if self._thread.ident is not None:
            self._thread.join()

    def is_over(self) -> bool:
        """Return whether every item has a job that will not give it back."""
        return not self._thread.is_alive() and self._underway == 0

    def join(self, timeout_s: float) -> None:
        """Wait until every item was given to a job, or the time is over."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def wait(self) -> None:
        """Wait until every item has a job that will not give it back."""
        if self._thread.ident is not None:
            self._thread.join()
        with self._is_back:
            self._is_back.wait_for(lambda: self._underway == 0)

    def _run(self) -> None:
        everything = range(len(self._items))
        try:
            ahead, size = self._go_ahead()
            self._give(everything[ahead:], size)
        except Exception as error:  # noqa: BLE001  # the edge of this thread
            self._refuse(filterfalse(self._is_carried, everything), error)

    def _go_ahead(self) -> tuple[int, int]:
        """Have some items go ahead; return how many, and how many of the others a chunk has."""
        processes, ahead, size = self._processes(), 0, 1
        # Twice: the first call of a function may be slow, for what it imports.
        for _ in range(2):
            first = range(ahead, min(ahead + processes, len(self._items)))
            ahead = first.stop
            done = self._first_done(self._give(first, 1, is_chunked=True))
            if done is None:
                return ahead, 1
            size = self._size(len(self._items) - ahead, processes, done)
            if size > 1:
                break
        return ahead, size

    def _first_done(self, jobs: list[Job[Any]]) -> Job[Any] | None:
        """Return a job that has succeeded, or None where that takes too long or goes wrong."""
        deadline = time.monotonic() + PATIENCE_S
        while (left_s := deadline - time.monotonic()) > 0 and not self._is_over.is_set():
            done = next((job for job in jobs if job.done()), None)
            if done is not None:
                return None if done.cancelled() or done.exception(0) else done
            self._news.wait(left_s)
            self._news.clear()
        return None

    def _size(self, left: int, processes: int, done: Job[Any]) -> int:
        """Return how many of the items left a chunk has, if they are like those that are done."""
        found = came_of(done)
        cost_s = found.took_s / len(found.values)
        if cost_s >= LONG_S:
            return 1
        chunks = max(processes, math.ceil(left * cost_s / CHUNK_S))
        result = done.record.result
        result_bytes = (result.size_bytes if result else 1) / len(found.values)
        most = min(CHUNK_BLOCKS * self._blocks.size, math.ceil(CHUNK_RESULT_BYTES / result_bytes))
        return max(1, min(math.ceil(left / chunks), most))

    def _give(self, items: range, size: int, *, is_chunked: bool = False) -> list[Job[Any]]:
        """Give items to jobs, so many to one; return the jobs."""
        if self._is_over.is_set():
            self._refuse(items, None)
            return []
        is_chunked = is_chunked or size > 1
        parts = [items[at : at + size] for at in range(0, len(items), size)]
        pairs = [self._order(self._call(part, is_chunked=is_chunked)) for part in parts]
        self._send([request for _, request in pairs], [job for job, _ in pairs])
        with self._is_back:
            self._underway += len(pairs) if is_chunked else 0
        for part, (job, _) in zip(parts, pairs, strict=True):
            self._items.put(part.start, job, len(part) if is_chunked else None)
            if is_chunked:
                chunk = _Given(part)
                if self._stop_s is not None and len(part) > 1:
                    job.on_progress(partial(self._reported, chunk))
                job.add_done_callback(partial(self._came_back, chunk))
        return [job for job, _ in pairs]

    def _call(self, part: range, *, is_chunked: bool) -> Call:
        if is_chunked:
            return (self._blocks.chunk(part.start, part.stop, self._stop_s),)
        return self._blocks.call(part.start)

    def _reported(self, chunk: _Given, progress: Progress) -> None:
        """Give to others what a chunk will not begin, whose time is up within a long call."""
        kept = progress.total
        if progress.message != RELEASED or kept is None:
            return
        with self._is_back:
            rest, chunk.part = chunk.part[int(kept) :], chunk.part[: int(kept)]
            if not rest:
                return
            self._underway += 1
        size = math.ceil(len(rest) / RELEASED_CHUNKS)
        # In a thread, since other jobs' news wait for this one.
        threading.Thread(
            target=self._give_again, args=(rest, size), name="taskkit-map-rest", daemon=True
        ).start()

    def _came_back(self, chunk: _Given, job: Any) -> None:
        self._news.set()
        with self._is_back:
            part, chunk.part = chunk.part, chunk.part[:0]
        self._give_again(*self._left(part, job))

    def _give_again(self, items: range, size: int) -> None:
        """Give items to jobs that others have not begun, and count that as one less under way."""
        try:
            self._give(items, size)
        except Exception as error:  # noqa: BLE001  # e.g. the client is closed
            self._refuse(items, error)
        with self._is_back:
            self._underway -= 1
            self._is_back.notify_all()

    def _left(self, part: range, job: Any) -> tuple[range, int]:
        """Return what a chunk has not begun, and how much of that may share a job."""
        try:
            begun = len(came_of(job).values)
            left = part[begun:]
            return left, self._size(len(left), 1, job)
        except PayloadTooLarge:  # all results together; one may do
            return part[: len(part) if len(part) > 1 else 0], 1
        except BaseException:  # noqa: BLE001  # it failed as a whole, which its items tell
            return part[:0], 1

    def _is_carried(self, index: int) -> bool:
        """Return whether an item has an outcome, or a job that may still bring one."""
        slot = self._items.slot(index)
        return slot is not None and (slot.has_outcome() or not slot.job.done())

    def _refuse(self, items: Iterable[int], error: Exception | None) -> None:
        """Have items that no job carries end in an error, or cancelled."""
        job: Job[Any] | None = None
        for index in items:
            if job is None:
                job, _ = self._order(self._blocks.call(index))
                if error is None:
                    job.withdraw()
                else:
                    job.refuse(error)
            self._items.put(index, job)
