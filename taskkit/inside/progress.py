"""`progress` and `track`: one line of code each, about a microsecond an update."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from .place import place

T = TypeVar("T")


def progress(done: float, total: float | None = None, message: str = "") -> None:
    """Say how far this job is: `done` units of `total` (None: unknown), doing `message`.

    Call it as often as you like, from any thread: what is seen are the latest values, ten times a
    second, and always the last one. Outside a job it does nothing.

    >>> for step in range(1000):
    ...     progress(step + 1, 1000, "relaxing")
    """
    said = place.progress
    if said is not None:
        said(done, total, message)


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
