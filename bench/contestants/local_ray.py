"""Ray on this machine alone: two CPUs, without dashboard, nothing of its use sent anywhere.

Source: Ray's documentation, "Anti-pattern: Over-parallelizing with too fine-grained tasks" (items
go in batches, a task each) and "Anti-pattern: Passing the same large argument by value repeatedly"
(it is put into the object store once).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from .contestant import LIMIT_S, PROCESSES, Missing, Progress, batch, chunks

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"

import ray  # it reads the variable as it is imported

OBJECT_STORE_BYTES = 2 * 2**30


class LocalRay:
    """See the module."""

    def start(self) -> None:
        """Start its daemons."""
        ray.init(
            num_cpus=PROCESSES,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
            object_store_memory=OBJECT_STORE_BYTES,
        )

    def stop(self) -> None:
        """End them."""
        ray.shutdown()

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run one task."""
        return ray.get(_remote(function).remote(*args), timeout=LIMIT_S)

    def calls(self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Any:
        """Start a task each, then get all."""
        task = _remote(function)
        return ray.get([task.remote(*args) for args in arguments], timeout=LIMIT_S)

    def map(self, function: Callable[..., Any], items: Sequence[Any]) -> Any:
        """Start a task an item, then get all."""
        return self.calls(function, [(item,) for item in items])

    def map_in_chunks(self, function: Callable[..., Any], items: Sequence[Any]) -> Any:
        """Start a task a batch, then get all."""
        lists = self.calls(batch, [(function, chunk) for chunk in chunks(items)])
        return [value for values in lists for value in values]

    def shared(self, function: Callable[..., Any], array: Any, jobs: int) -> Any:
        """Put the array into the object store, once."""
        return self.calls(function, [(ray.put(array),)] * jobs)

    def progress(self, updates: int) -> Progress:  # noqa: ARG002
        """Say that there is none."""
        raise Missing("has no progress but what users build of an actor")


@cache
def _remote(function: Callable[..., Any]) -> Any:
    return ray.remote(function)


ENTRANT = LocalRay
