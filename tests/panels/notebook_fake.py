"""A job for the cells of a test notebook: no stack, the cell moves it itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

from taskkit.panels import show
from taskkit.protocol.jobs import Figure, JobRecord, JobState, Progress, ResultInfo


def now_ms() -> int:
    """Return the time as a ledger says it."""
    return time.time_ns() // 1_000_000


class Fake:
    """Satisfies `Shown`; `set` and `end` are what events would do."""

    title = "fit"

    def __init__(self, jobs: int = 1) -> None:
        self.watchers: list[Callable[[], None]] = []
        self.is_server_away = False
        self._contents: dict[str, bytes] = {}
        self._records = [
            JobRecord(
                id=f"{number:032x}",
                task="fit",
                state=JobState.RUNNING,
                attempt=1,
                worker="host-7",
                started_at=now_ms(),
            )
            for number in range(jobs)
        ]

    def __repr__(self) -> str:
        return "<Fake fit>"

    def records(self) -> Sequence[JobRecord]:
        """Return the snapshot."""
        return tuple(self._records)

    def connection(self) -> str:
        """All is well."""
        return ""

    def cancel(self) -> None:
        """End as cancelled."""
        self.end(JobState.CANCELLED)

    def retry(self) -> Fake:
        """Go on as if it had just begun."""
        self._change(state=JobState.RUNNING, finished_at=None, result=None)
        return self

    def content(self, figure: Figure, *, wait_s: float = 0.0) -> bytes | None:
        """Return what was displayed; nothing while the server is away."""
        if self.is_server_away:
            time.sleep(wait_s)
            return None
        return self._contents[figure.digest or ""]

    def card_html(self, *, wait_s: float = 0.0) -> str | None:
        """Return how it came about; nothing while the server is away."""
        if self.is_server_away:
            time.sleep(wait_s)
            return None
        return '<div class="taskkit tk-card">its card</div>'

    def display(self, name: str, data: bytes, media_type: str = "image/png") -> None:
        """Have something displayed under a name."""
        digest = sha256(data).hexdigest()
        self._contents[digest] = data
        figure = Figure(
            name=name, media_type=media_type, size_bytes=len(data), digest=digest, text="<Figure>"
        )
        others = [other for other in self._records[0].figures if other.name != name]
        self._change(figures=(*others, figure))

    def come_back(self) -> None:
        """Bring what has not come while the server was away."""
        self.is_server_away = False
        self._change()

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Register `changed`."""
        self.watchers.append(changed)
        return lambda: self.watchers.remove(changed)

    def set(self, done: float, total: float = 10_000) -> None:
        """Report progress."""
        self._change(progress=Progress(done=done, total=total))

    def end(self, state: JobState = JobState.SUCCEEDED) -> None:
        """Become final."""
        result = ResultInfo(media_type="x", size_bytes=2, preview="42")
        self._change(state=state, finished_at=now_ms(), result=result)

    def _change(self, **changes: Any) -> None:
        self._records = [replace(record, **changes) for record in self._records]
        for changed in tuple(self.watchers):
            changed()

    def _ipython_display_(self) -> None:
        show(self)
