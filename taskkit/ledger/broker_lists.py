"""The lists in Redis from which Celery's workers take wake-ups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol


class BrokerLists(Protocol):
    """One of each queue of jobs, as kombu's transport for Redis has them; safe from any thread.

    Each verb raises `Unavailable` where Redis does not answer, or has no memory or disk.
    """

    def push(self, queue: str, messages: Sequence[str]) -> None:
        """Put messages behind those that wait in a queue's list."""

    def lengths(self, queues: Iterable[str]) -> dict[str, int]:
        """Return how many wait in the list of each of these queues."""
