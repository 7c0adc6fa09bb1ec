"""Where what a job says goes: to the listener that a worker installs for as long as a job runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..protocol.events import Event


class Listener(Protocol):
    """What a worker does with what a job says. Any thread."""

    def progress(self, done: float, total: float | None, message: str, /) -> None:
        """Take how far the job is."""

    def report(self, values: Mapping[str, float], step: float | None, /) -> None:
        """Take values by their names, at a step."""

    def display(self, name: str | None, media_type: str, data: bytes, text: str, /) -> None:
        """Take a figure: its name if it has one, its bytes, and what it is in words."""

    def bar(
        self, number: int, name: str, done: float, total: float | None, /, *, is_over: bool
    ) -> None:
        """Take how far a loop is, by its number in the order in which they begin."""

    def drop_bar(self, number: int, /) -> None:
        """Forget a loop."""

    def say(self, event: Event, /) -> None:
        """Take a fact, to be told as it is."""


class _Place:
    """Holds the listener of this process; a process runs one job at a time."""

    listener: Listener | None = None
    progress: Callable[[float, float | None, str], None] | None = None
    #: The listener's method, at hand for hot loops.
    pid: int | None = None
    #: The process that is listened to: one that it has forked speaks to nobody.
    is_kernel: bool = False
    #: Whether it is the kernel of a notebook that is a job: what it displays is in its cells.


place = _Place()


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send what is said to `listener` within the block; for workers."""
    before = place.listener, place.progress, place.pid
    place.listener, place.progress, place.pid = listener, listener.progress, os.getpid()
    try:
        yield
    finally:
        place.listener, place.progress, place.pid = before
