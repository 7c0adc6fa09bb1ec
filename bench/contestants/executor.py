"""Whoever has the interface of `concurrent.futures`: taskkit's client and two process pools."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .contestant import LIMIT_S, Missing, Progress, chunk_size


class ByExecutor:
    """Submits to `executor`, which `start` sets."""

    executor: Any

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Submit, and wait."""
        return self.executor.submit(function, *args).result(LIMIT_S)

    def calls(self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Any:
        """Submit all, then wait for each."""
        futures = [self.executor.submit(function, *args) for args in arguments]
        return [future.result(LIMIT_S) for future in futures]

    def map(self, function: Callable[..., Any], items: Sequence[Any]) -> Any:
        """Use its own `map`."""
        return list(self.executor.map(function, items))

    def map_in_chunks(self, function: Callable[..., Any], items: Sequence[Any]) -> Any:
        """Use its `chunksize`."""
        return list(self.executor.map(function, items, chunksize=chunk_size(len(items))))

    def shared(self, function: Callable[..., Any], array: Any, jobs: int) -> Any:
        """Pass the array to each job, and leave it to the executor to notice."""
        return self.calls(function, [(array,)] * jobs)

    def progress(self, updates: int) -> Progress:  # noqa: ARG002
        """Say that executors have none."""
        raise Missing("has no progress")
