"""Dask distributed: a `LocalCluster` of two processes with one thread each, without dashboard.

Source: Dask's documentation, "Python API (advanced)" and "Best practices": processes for Python
code, large data scattered to the workers first. `Client.map` has no chunks: an item is a task.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from distributed import Client, LocalCluster, get_worker

from .. import work
from .contestant import LIMIT_S, PROCESSES, Progress, batch, chunks
from .sightings import Sightings

TOPIC = "bench"


class DaskCluster:
    """See the module."""

    def start(self) -> None:
        """Start scheduler and workers, and connect."""
        self._cluster = LocalCluster(
            n_workers=PROCESSES, threads_per_worker=1, processes=True, dashboard_address=None
        )
        self._client = Client(self._cluster)

    def stop(self) -> None:
        """End them."""
        self._client.close()
        self._cluster.close()

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Submit, large arguments scattered; `pure=False`: it is to be run each time."""
        ready = [self._client.scatter(arg, direct=True) if _is_large(arg) else arg for arg in args]
        return self._client.submit(function, *ready, pure=False).result(LIMIT_S)

    def calls(self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Any:
        """Submit all, then gather."""
        futures = [self._client.submit(function, *args, pure=False) for args in arguments]
        return self._client.gather(futures)

    def map(self, function: Callable[..., Any], items: Sequence[Any]) -> Any:
        """Use its own `map`, then gather."""
        return self._client.gather(self._client.map(function, items, pure=False))

    def map_in_chunks(self, function: Callable[..., Any], items: Sequence[Any]) -> Any:
        """Submit a function of a chunk, as its page "Best practices" has it for short tasks."""
        lists = self.calls(batch, [(function, chunk) for chunk in chunks(items)])
        return [value for values in lists for value in values]

    def shared(self, function: Callable[..., Any], array: Any, jobs: int) -> Any:
        """Scatter the array to both workers, once."""
        placed = self._client.scatter(array, broadcast=True, direct=True)
        return self.calls(function, [(placed,)] * jobs)

    def progress(self, updates: int) -> Progress:
        """Report by `Worker.log_event`, and listen by `Client.subscribe_topic`."""
        seen = Sightings()
        self._client.subscribe_topic(TOPIC, lambda event: seen.note(event[1]))
        try:
            told = self._client.submit(_report, updates, pure=False).result(LIMIT_S)
            return seen.progress(told)
        finally:
            self._client.unsubscribe_topic(TOPIC)


def _is_large(arg: Any) -> bool:
    return int(getattr(arg, "nbytes", 0)) > 2**20


def _report(updates: int) -> tuple[float, int, float]:
    worker = get_worker()
    return work.reporting(lambda number: worker.log_event(TOPIC, number), updates)


ENTRANT = DaskCluster
