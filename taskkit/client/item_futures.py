"""A future for each item of a map, also of those that share a job."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import Future
from functools import partial
from typing import Any

from .items import Items
from .job import Job


class ItemFutures:
    """Of one map; made when somebody asks for them, as a batch that is iterated never does."""

    def __init__(self, items: Items) -> None:
        self._items = items
        self._lock = threading.Lock()
        self._open: dict[int, Future[Any]] = {}

    def all(self) -> list[Future[Any]]:
        """Return them in order; where a job is the item's alone, the job."""
        futures: list[Future[Any]] = []
        chunks: defaultdict[Job[Any], list[int]] = defaultdict(list)
        self._items.on_put(self._follow)
        for index in range(len(self._items)):
            slot = self._items.slot(index)
            if slot is not None and slot.place is None:
                futures.append(slot.job)
                continue
            future: Future[Any] = Future()
            future.set_running_or_notify_cancel()  # an item of a chunk is not cancelled alone
            self._open[index] = future
            futures.append(future)
            if slot is not None:
                chunks[slot.job].append(index)
        for job, indices in chunks.items():
            self._follow(indices, job)
        return futures

    def _follow(self, indices: Iterable[int], job: Job[Any]) -> None:
        job.add_done_callback(partial(self._conclude, indices))

    def _conclude(self, indices: Iterable[int], _job: object) -> None:
        for index in indices:
            slot = self._items.slot(index)
            if slot is None or not slot.has_outcome():
                continue  # given back: another job will carry it
            with self._lock:
                future = self._open.pop(index, None)
            if future is None:
                continue
            try:
                future.set_result(self._items.outcome(index, None))
            except BaseException as error:  # noqa: BLE001  # the item's own
                future.set_exception(error)
