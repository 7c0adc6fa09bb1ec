"""A listener that remembers what a job says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskkit.protocol.events import Event


class Hearing:
    """As a worker listens; see `taskkit.inside.place.Listener`."""

    def __init__(self) -> None:
        self.reports: list[tuple[float, float | None, str]] = []
        self.points: list[tuple[Mapping[str, float], float | None]] = []
        self.bars: dict[int, tuple[Any, ...]] = {}
        #: By their numbers: name, done, total, and whether they are over.
        self.facts: list[Event] = []

    def progress(self, done: float, total: float | None, message: str, /) -> None:
        self.reports.append((done, total, message))

    def report(self, values: Mapping[str, float], step: float | None, /) -> None:
        self.points.append((values, step))

    def bar(
        self, number: int, name: str, done: float, total: float | None, /, *, is_over: bool
    ) -> None:
        self.bars[number] = (name, done, total, is_over)

    def drop_bar(self, number: int, /) -> None:
        self.bars.pop(number, None)

    def say(self, event: Event, /) -> None:
        self.facts.append(event)
