"""A job as a panel sees it."""

from __future__ import annotations

from collections.abc import Callable

from ..protocol.jobs import JobRecord
from .callbacks import call_all


class Seen:
    """What a job has for that; see `panels.shown`. Safe from any thread."""

    _record: JobRecord

    def __init__(self) -> None:
        super().__init__()
        self._watchers: list[Callable[[], None]] = []

    @property
    def title(self) -> str:
        """What a panel calls it: the name from `options`, else the task's."""
        return self._record.title

    def records(self) -> list[JobRecord]:
        """Return its record, in a list as a batch would."""
        return [self._record]

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed()` after each change, in a thread of the client; return how to stop."""
        self._watchers.append(changed)

        def unwatch() -> None:
            if changed in self._watchers:
                self._watchers.remove(changed)

        return unwatch

    def _changed(self) -> None:
        call_all(self._watchers)
