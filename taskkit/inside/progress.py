"""`progress` and `track`: one line of code each, about a microsecond an update.

A worker installs a listener for as long as a job runs; without one, nothing happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

T = TypeVar("T")


class Listener(Protocol):
    """Where reports go."""

    def __call__(self, done: float, total: float | None, message: str, /) -> None: ...


class _Place:
    """Holds the listener of this process; a process runs one job at a time."""

    listener: Listener | None = None


_place = _Place()


def progress(done: float, total: float | None = None, message: str = "") -> None:
    """Say how far this job is: `done` units of `total` (None: unknown), doing `message`.

    Call it as often as you like, from any thread: what is seen are the latest values, ten times a
    second, and always the last one. Outside a job it does nothing.

    >>> for step in range(1000):
    ...     progress(step + 1, 1000, "relaxing")
    """
    listener = _place.listener
    if listener is not None:
        listener(done, total, message)


def track(iterable: Iterable[T], total: float | None = None, message: str = "") -> Iterator[T]:
    """Yield from `iterable`, reporting each item done; `total` defaults to its length.

    >>> sum(track(range(4)))
    6
    """
    if total is None:
        try:
            total = len(iterable)  # type: ignore[arg-type]
        except TypeError:
            total = None
    done = 0
    progress(done, total, message)
    for item in iterable:
        yield item
        done += 1
        progress(done, total, message)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send reports to `listener` within the block; for workers."""
    before, _place.listener = _place.listener, listener
    try:
        yield
    finally:
        _place.listener = before
