"""What the benchmark asks of whoever takes part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

PROCESSES = 2
"""Everybody's worker processes."""

LIMIT_S = 60.0
"""How long anything may take before it counts as missing."""

CHUNKS_A_PROCESS = 4
"""Into how many chunks a map is cut where the user is to say it, as `multiprocessing.Pool` does."""


class Missing(Exception):
    """A figure that cannot be had; the message says why."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How a job's updates fared."""

    cost_us: float
    #: Of one update, in the job.
    made: int
    seen: int
    #: By the client.
    last_after_s: float | None
    #: From the last one's being made to its being seen; None where it was not in `LIMIT_S`.


class Contestant(Protocol):
    """Runs functions in two processes of its own."""

    def start(self) -> None:
        """Start everything that it needs; return when work may be submitted."""

    def stop(self) -> None:
        """End all that was started."""

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run one job, and return what it returned."""

    def calls(self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Any:
        """Submit one job after another, then return all results in order."""

    def map(self, function: Callable[..., Any], items: Sequence[Any]) -> Any:
        """Return the function's values of all items, with nothing said about chunks."""

    def map_in_chunks(self, function: Callable[..., Any], items: Sequence[Any]) -> Any:
        """Return them, in the chunks of `chunk_size`, by the means that it has for that."""

    def shared(self, function: Callable[..., Any], array: Any, jobs: int) -> Any:
        """Return what `jobs` jobs make of one large array."""

    def progress(self, updates: int) -> Progress:
        """Run `work.reporting` in a job, and watch it."""


def chunk_size(items: int) -> int:
    """Return how many items a chunk has."""
    return -(-items // (PROCESSES * CHUNKS_A_PROCESS))


def chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield the items in chunks."""
    size = chunk_size(len(items))
    for start in range(0, len(items), size):
        yield items[start : start + size]


def batch(function: Callable[..., Any], items: Sequence[Any]) -> list[Any]:
    """Return the function's values: a chunk, for who has none of its own."""
    return [function(item) for item in items]
