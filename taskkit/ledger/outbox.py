"""Wake-ups that wait in Redis to be carried on to another broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

HOLD_S = 5.0
"""How long one that was taken is its taker's; a taker that has died by then has it taken again."""


class Outgoing(NamedTuple):
    """One of them."""

    queue: str
    #: Of jobs.
    message: str
    #: Celery's, as kombu writes it.


class Outbox(Protocol):
    """What the scripts put on the broker's lists, in the step that makes a job one to be had.

    Several servers may take from it; each wake-up is taken by one, and by another one only where
    the first did not say in time what became of it.
    """

    def waiting(self) -> dict[str, int]:
        """Return how many wait, of each queue in which any do.

        Under "" are those that a taker has taken and said nothing of until its time was over.
        """

    def take(self, room: Mapping[str, int], most: int) -> list[Outgoing]:
        """Take `most` at most, and of each queue no more than there is room for, oldest first."""

    def sent(self, those: Sequence[Outgoing]) -> None:
        """Note that they are where they were to go."""

    def put_back(self, those: Sequence[Outgoing]) -> None:
        """Have them wait again, before all others."""
