"""`Spread`: gives the items of a map to jobs, many to one where they are short.

A job costs some milliseconds wherever it runs, so short calls are faster in chunks; but the calls
of a chunk wait for one another while other processes may idle. So a chunk for each process goes
ahead, and soon gives back what it has not begun; what its calls took decides about the others.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from functools import partial
from itertools import filterfalse
from typing import Any

from ..protocol.errors import PayloadTooLarge
from ..protocol.jobs import Progress
from ..travel.chunks import RELEASED, Blocks, Call
from .given import Ahead, Given
from .items import Items, came_of
from .job import Job
from .submitter import Request

FEW = 64
"""Up to so many items have a job each, whatever they take."""

AHEAD_S, AHEAD_BYTES = 0.03, 2**18
"""After how long a chunk that goes ahead begins no further call, and how much it brings at most: of
calls that turn out to be long nearly all is sent again."""

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
        self._ahead = Ahead()
        self._example: Job[Any] | None = None
        #: What has come of a chunk that went ahead, where that tells what a call takes.
        self._is_decided = False
        #: Whether that is not waited for any more.
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

    def call(self, index: int) -> Call:
        """Return the arguments of an item, as they were."""
        return self._blocks.call(index)

    def again(self, index: int) -> None:
        """Give an item whose call failed or was cancelled to a job of its own."""
        self._is_over.clear()
        self._give(range(index, index + 1), 1)

    def stop(self) -> None:
        """Give no more items to jobs: those that none carries are cancelled."""
        self._is_over.set()
        self._ahead.stop()
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
            processes = self._processes()
            most = min(self._blocks.most_calls(AHEAD_BYTES), CHUNK_BLOCKS * self._blocks.size)
            each = min(most, math.ceil(len(everything) / processes))
            self._give(everything[: processes * each], each, tries=1)
            behind = everything[processes * each :]
            example = self._ahead.example(PATIENCE_S)
            self._decide(example)
            size = 1 if example is None else self._size(len(behind), processes, example)
            self._give(behind, size)
        except Exception as error:  # noqa: BLE001  # the edge of this thread
            self._refuse(filterfalse(self._is_carried, everything), error)

    def _decide(self, example: Job[Any] | None) -> None:
        """Wait no longer for an example, and give to others what those ahead will not begin."""
        with self._is_back:
            self._example, self._is_decided = example, True
        for chunk in self._ahead.holding():
            self._release(chunk)

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

    def _give(self, items: range, size: int, *, tries: int = 0, is_chunked: bool = False) -> None:
        """Give items to jobs, so many to one; `tries` where they go ahead, see `Given`."""
        if self._is_over.is_set():
            self._refuse(items, None)
            return
        is_chunked = is_chunked or tries > 0 or size > 1
        stop_s = AHEAD_S if tries else self._stop_s
        parts = [items[at : at + size] for at in range(0, len(items), size)]
        pairs = [self._order(self._call(part, stop_s, is_chunked=is_chunked)) for part in parts]
        self._send([request for _, request in pairs], [job for job, _ in pairs])
        with self._is_back:
            self._underway += len(pairs) if is_chunked else 0
        for part, (job, _) in zip(parts, pairs, strict=True):
            self._items.put(part.start, job, len(part) if is_chunked else None)
            if is_chunked:
                chunk = Given(part, job, tries=tries)
                if tries:
                    self._ahead.add(chunk)
                if stop_s is not None and len(part) > 1:
                    job.on_progress(partial(self._reported, chunk))
                job.add_done_callback(partial(self._came_back, chunk))

    def _call(self, part: range, stop_s: float | None, *, is_chunked: bool) -> Call:
        if is_chunked:
            return (self._blocks.chunk(part.start, part.stop, stop_s),)
        return self._blocks.call(part.start)

    def _reported(self, chunk: Given, progress: Progress) -> None:
        """Take that a chunk, whose time is up within a long call, will not begin the rest."""
        if progress.message != RELEASED or progress.total is None:
            return
        with self._is_back:
            chunk.kept = int(progress.total)
            if chunk.tries and not self._is_decided:
                return
        self._release(chunk)

    def _release(self, chunk: Given) -> None:
        """Give to others what a chunk will not begin."""
        with self._is_back:
            rest, chunk.part = chunk.part[chunk.kept :], chunk.part[: chunk.kept]
            if not rest:
                return
            self._underway += 1
        size = math.ceil(len(rest) / RELEASED_CHUNKS)
        if chunk.tries:
            size = 1 if self._example is None else self._size(len(rest), 1, self._example)
        # In a thread, since other jobs' news wait for this one.
        threading.Thread(
            target=self._give_again, args=(rest, size), name="taskkit-map-rest", daemon=True
        ).start()

    def _came_back(self, chunk: Given, job: Any) -> None:
        with self._is_back:
            part, chunk.part = chunk.part, chunk.part[:0]
            is_decided = self._is_decided
        left, size = self._left(part, job)
        if chunk.tries == 1 and not is_decided and not chunk.is_example():
            self._give_again(left, max(1, len(left)), tries=2)
        else:
            self._give_again(left, size)
        if chunk.tries:
            chunk.is_over = True
            self._ahead.tell()

    def _give_again(self, items: range, size: int, *, tries: int = 0) -> None:
        """Give items to jobs that others have not begun, and count that as one less under way."""
        try:
            self._give(items, size, tries=tries)
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
