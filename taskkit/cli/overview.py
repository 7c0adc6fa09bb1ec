"""How things stand, as far as a screen shows it: jobs folded from the log, and the workers."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..panels.job_card import job_pace
from ..panels.pace import Pace
from ..protocol.events import AttemptStarted, Event, JobFailed, JobSubmitted
from ..protocol.jobs import JobRecord, JobState
from ..protocol.lifecycle import apply, submitted
from ..protocol.workers import WorkerInfo

LISTED = 200
"""How many of the newest jobs are asked for when it begins."""

MOST_FINAL = 50
"""How many final jobs are remembered, those that ended last."""

MOST_UNKNOWN = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """What is shown at one moment."""

    workers: tuple[WorkerInfo, ...] = ()
    running: tuple[JobRecord, ...] = ()
    #: The longest first.
    queued: tuple[JobRecord, ...] = ()
    #: The oldest first.
    is_more_queued: bool = False
    #: Whether older jobs than were asked for may wait, too.
    failed: tuple[JobRecord, ...] = ()
    #: The last first.
    paces: dict[str, Pace] = field(default_factory=dict)

    @property
    def processes(self) -> int:
        """How many jobs can run at once."""
        return sum(worker.processes for worker in self.workers)


class Jobs:
    """The jobs that are not final, and those that ended last. Told from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, JobRecord] = {}
        self._paces: dict[str, Pace] = {}
        self._unknown: dict[str, None] = {}
        self._is_more = False

    def begin_with(self, records: Sequence[JobRecord], *, is_all: bool) -> None:
        """Take the newest jobs, in place of what was known."""
        with self._lock:
            kept = {id: one for id, one in self._known.items() if one.is_final}
            listed = {record.id: record for record in records}
            self._known = {**kept, **listed}
            self._is_more = not is_all
            self._forget_old()

    def put(self, records: Iterable[JobRecord]) -> None:
        """Take some jobs, unless something newer is known of them."""
        with self._lock:
            for record in records:
                self._unknown.pop(record.id, None)
                known = self._known.get(record.id)
                if known is None or record.seq > known.seq:
                    self._known[record.id] = record
            self._forget_old()

    def take(self, events: Sequence[Event]) -> None:
        """Fold what happened."""
        with self._lock:
            for event in events:
                known = self._known.get(event.job)
                if isinstance(event, JobSubmitted):
                    self._known.setdefault(event.job, submitted(event))
                elif known is not None:
                    try:
                        self._known[event.job] = apply(known, event)
                    except ValueError:  # something came before that was not told
                        self._ask_for(event.job)
                elif isinstance(event, AttemptStarted | JobFailed):
                    self._ask_for(event.job)
            self._forget_old()

    def unknown(self, ids: Iterable[str] = ()) -> list[str]:
        """Return the jobs that the server must be asked for, `ids` among them if not known."""
        with self._lock:
            for id in ids:
                known = self._known.get(id)
                if known is None or known.state is JobState.QUEUED:
                    self._ask_for(id)
            return list(self._unknown)

    def forget(self, id: str) -> None:
        """Ask no more for a job that the server does not know."""
        with self._lock:
            self._unknown.pop(id, None)
            self._known.pop(id, None)

    def overview(self, workers: Sequence[WorkerInfo], now_ms: int) -> Overview:
        """Return how things stand."""
        with self._lock:
            known = list(self._known.values())
            is_more = self._is_more
        running = sorted(_in(known, JobState.RUNNING), key=lambda one: one.started_at or now_ms)
        paces = {}
        for record in running:
            pace = job_pace(self._paces.get(record.id), record, now_ms)
            if pace is not None:
                paces[record.id] = pace
        self._paces = paces
        failed = sorted(_in(known, JobState.FAILED), key=lambda one: -(one.finished_at or 0))
        return Overview(
            workers=tuple(workers),
            running=tuple(running),
            queued=tuple(sorted(_in(known, JobState.QUEUED), key=lambda one: one.created_at)),
            is_more_queued=is_more,
            failed=tuple(failed),
            paces=paces,
        )

    def _ask_for(self, id: str) -> None:
        if len(self._unknown) < MOST_UNKNOWN:
            self._unknown[id] = None

    def _forget_old(self) -> None:
        final = [record for record in self._known.values() if record.is_final]
        if len(final) > 2 * MOST_FINAL:
            # Failures are what is looked for: they go last.
            final.sort(key=lambda one: (one.state is JobState.FAILED, one.finished_at or 0))
            for record in final[:-MOST_FINAL]:
                del self._known[record.id]


def _in(records: Iterable[JobRecord], state: JobState) -> list[JobRecord]:
    return [record for record in records if record.state is state]
