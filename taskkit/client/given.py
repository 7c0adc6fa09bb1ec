"""What the chunks of a map carry, and what those that went ahead tell of its calls."""

from __future__ import annotations

import threading
import time
from typing import Any

from .items import known_values
from .job import Job

FEW_CALLS = 3
"""So few calls of a chunk tell little: the first one may be slow, for what it imports."""


class Given:
    """The items that a chunk carries; fewer, once it has released some, and none at its end."""

    def __init__(self, part: range, job: Job[Any], *, tries: int = 0) -> None:
        self.part = part
        self.job = job
        self.tries = tries
        #: Whether it goes ahead: 1, or 2 where it follows one that told little; else 0.
        self.kept: int | None = None
        #: How many calls it makes at most, where it went ahead and has said so.
        self.is_over = False
        #: Whether it has ended, and what it gave back was given to others.

    def is_example(self) -> bool:
        """Return whether what came of it tells what a call takes."""
        values = known_values(self.job)
        return values is not None and (len(values) > FEW_CALLS or self.tries > 1)


class Ahead:
    """The chunks that went ahead, until one of them tells what a call takes."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._chunks: list[Given] = []
        self._is_over = False

    def add(self, chunk: Given) -> None:
        """Count on one more."""
        with self._news:
            self._chunks.append(chunk)

    def tell(self) -> None:
        """Say that something has come of one of them."""
        with self._news:
            self._news.notify_all()

    def stop(self) -> None:
        """Wait for none of them any more."""
        with self._news:
            self._is_over = True
            self._news.notify_all()

    def example(self, within_s: float) -> Job[Any] | None:
        """Return one that tells what a call takes, or None where that takes too long.

        None as well where they all have ended, and none of them tells it.
        """
        until = time.monotonic() + within_s
        with self._news:
            while not self._is_over:
                found = next((chunk for chunk in self._chunks if chunk.is_example()), None)
                left_s = until - time.monotonic()
                if found is not None or left_s <= 0 or self._are_all_over():
                    return None if found is None else found.job
                self._news.wait(left_s)
        return None

    def holding(self) -> list[Given]:
        """Return those that keep items which they will not begin."""
        with self._news:
            return [chunk for chunk in self._chunks if chunk.kept is not None]

    def _are_all_over(self) -> bool:
        return all(chunk.is_over for chunk in self._chunks)
