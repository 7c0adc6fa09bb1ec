"""ipyparallel: a controller and two engines.

Jobs go through a load-balanced view with the scheduler of least overhead, ``pure``, which stops
for good where an engine is late to register. A map is scattered by a direct view, half to each
engine; a large array is pushed to both, then referred to. `publish_data` is its means to report.
Source: ipyparallel's documentation, "The IPython task interface" ("Schedulers") and "IPython's
Direct interface".
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import ipyparallel

from .contestant import LIMIT_S, PROCESSES, Missing, Progress, chunk_size
from .sightings import Sightings

QUIET = 40
TRIES = 3


class IpythonCluster:
    """See the module."""

    def start(self) -> None:
        """Start controller and engines, and connect; again, where an engine was late."""
        for _ in range(TRIES):
            self._start()
            try:
                self.call(os.getpid)
            except RuntimeError:
                self.stop()
            else:
                return
        raise Missing("an engine was late to register, each time")

    def _start(self) -> None:
        self._cluster = ipyparallel.Cluster(
            n=PROCESSES,
            controller_args=["--TaskScheduler.scheme_name=pure"],
            log_level=QUIET,
        )
        self._client = self._cluster.start_and_connect_sync(activate=False)
        self._balanced = self._client.load_balanced_view()
        self._direct = self._client[:]

    def stop(self) -> None:
        """End them."""
        self._client.close()
        self._cluster.stop_cluster_sync()

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Apply, and get."""
        return self._balanced.apply_async(function, *args).get(LIMIT_S)

    def calls(self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Any:
        """Apply all, then get each."""
        sent = [self._balanced.apply_async(function, *args) for args in arguments]
        return [answer.get(LIMIT_S) for answer in sent]

    def map(self, function: Callable[..., Any], items: Sequence[Any]) -> Any:
        """Use the direct view's `map`."""
        return self._direct.map_sync(function, items)

    def map_in_chunks(self, function: Callable[..., Any], items: Sequence[Any]) -> Any:
        """Use the balanced view's `chunksize`."""
        size = chunk_size(len(items))
        return self._balanced.map(function, items, chunksize=size, ordered=True).get(LIMIT_S)

    def shared(self, function: Callable[..., Any], array: Any, jobs: int) -> Any:
        """Push the array to both engines, once."""
        self._direct.push({"bench_array": array}, block=True)
        return self.calls(function, [(ipyparallel.Reference("bench_array"),)] * jobs)

    def progress(self, updates: int) -> Progress:
        """Report by `publish_data`, and look at the result's `data`."""
        seen = Sightings()
        answer = self._balanced.apply_async(_report, updates)

        def look() -> None:
            if number := answer.data.get("done"):
                seen.note(number)

        while not answer.ready():
            look()
            answer.wait(0.001)
        return seen.progress(answer.get(LIMIT_S), look)


def _report(updates: int) -> tuple[float, int, float]:
    from ipyparallel.engine.datapub import publish_data

    from bench import work

    return work.reporting(lambda number: publish_data({"done": number}), updates)


ENTRANT = IpythonCluster
