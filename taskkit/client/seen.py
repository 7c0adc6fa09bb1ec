"""A job as it is seen: by panels, and by who asks what it displays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..protocol.jobs import Figure, JobRecord
from .callbacks import call_all
from .displayed import Displayed
from .service import Service


def accepted(asked: JobRecord, record: JobRecord) -> JobRecord:
    """Return what was asked for with what never changes of the record that the server answered."""
    at, is_recalled = record.created_at, record.is_recalled
    return replace(asked, id=record.id, created_at=at, is_recalled=is_recalled)


def as_asked(record: JobRecord, before: JobRecord) -> JobRecord:
    """Return a record as the one before has it of who asked: others have the same job as new."""
    if record.is_recalled == before.is_recalled:
        return record
    return replace(record, is_recalled=before.is_recalled)


class Seen:
    """What a job has for that; for panels see `panels.shown`. Safe from any thread."""

    _record: JobRecord
    _service: Service

    def __init__(self) -> None:
        super().__init__()
        self._watchers: list[Callable[[], None]] = []

    @property
    def title(self) -> str:
        """What a panel calls it: the name from `options`, else the task's."""
        return self._record.title

    def figures(self) -> list[Displayed]:
        """Return what it displays, by `taskkit.display`, as of now; brought from the server.

        Raises:
            BlobNotFound: A figure is no longer kept, or never was.
            NotReachable: The server is away.
        """
        return [self._service.contents.read(figure) for figure in self._record.figures]

    def records(self) -> list[JobRecord]:
        """Return its record, in a list as a batch would."""
        return [self._record]

    def content(self, figure: Figure, *, wait_s: float = 0.0) -> bytes | None:
        """Return what a figure is: empty where it is not to be had, None where it is not here yet.

        It is waited for `wait_s` seconds at most; who watches is called when it comes later.
        """
        return self._service.contents.get(figure, self._changed, wait_s=wait_s)

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed()` after each change, in a thread of the client; return how to stop."""
        self._watchers.append(changed)

        def unwatch() -> None:
            if changed in self._watchers:
                self._watchers.remove(changed)

        return unwatch

    def _changed(self) -> None:
        call_all(self._watchers)
