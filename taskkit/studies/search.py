"""`Search`: a function at points that an Optuna study asks for."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from ..client.deferred import Deferred
from ..client.job import Job
from ..client.results import Outcome
from ..client.shipping import name_of
from ..protocol.jobs import ErrorInfo, JobRecord, JobState
from .calls import calling_of
from .desk import Desk
from .pieces import NAME_CHARS, session_of
from .points import digest_of
from .record import CHANGED, code_of
from .rows import Planned, Rows
from .space import whole
from .table import Table
from .trials import Trial, Trials

PRUNED = "TrialPruned"


class Search(Table):
    """The trials that an Optuna study has asked for, one row each; `study` is that.

    A thread asks, submits and tells; `wait` returns when all are told.
    """

    _repeat = "trial"

    def __init__(
        self,
        desk: Desk,
        trials: Trials,
        calling: Callable[..., Any],
        code: str,
        *,
        title: str,
        session: str,
        seed: int,
        parallel: int,
        is_in_order: bool,
    ) -> None:
        super().__init__()
        self.title = title
        self.seed = seed
        self._desk = desk
        self._trials = trials
        self._calling = calling
        self._key = f"optuna:{trials.mark}:{code[:16]}"
        self._session = session
        self._parallel = parallel
        self._is_in_order = is_in_order
        self._shipped = desk.shipped(calling)
        self._connection = desk.link.connection
        self._items: Rows = Rows(
            JobRecord(id="", task=title, options=replace(desk.options, name=title))
        )
        self._asked: list[Trial] = []
        #: One for each row, as far as they are known.
        self._underway: dict[int, Job[Any]] = {}
        #: By their numbers.
        self._ended: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._wanted = 0
        self._is_stopped = False
        self._error: Exception | None = None
        self._thread: threading.Thread | None = None

    def planned(self, index: int) -> Planned | None:
        """Return what a row is to be; None where it is not asked for yet."""
        if index >= len(self._asked):
            return None
        trial = self._asked[index]
        return Planned(trial.params, digest_of(trial.params), trial.number)

    def begin(self, trials: int) -> Search:
        """Take the trials that there are, and go on until there are so many."""
        for trial in self._trials.ours():
            self._items.widen(1)
            self._asked.append(trial)
            if trial.is_finished:
                self._items.put(len(self._asked) - 1, self._of_before(trial))
        return self.grow(trials)

    def grow(self, trials: int) -> Search:
        """Have there be so many trials in all."""
        with self._lock:
            self._wanted = max(self._wanted, trials)
            self._items.widen(self._wanted - len(self._items))
            self._is_stopped = False
            if self._thread is None:
                self._error = None
                self._thread = threading.Thread(
                    target=self._run, name="taskkit-search", daemon=True
                )
                self._thread.start()
        return self

    def wait(self, timeout: float | None = None) -> Any:
        """Wait until every trial has its outcome and is told; return the search.

        Raises:
            TimeoutError: They are not after `timeout` seconds; they go on.
            Exception: What Optuna raised when it was asked or told.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        super().wait(timeout)
        thread = self._thread
        if thread is not None:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                raise TimeoutError("not all trials are told yet; it goes on")
        if self._error is not None:
            raise self._error
        return self

    def cancel(self) -> int:
        """Ask for no more, and cancel what is not final; return how many rows are cancelled now."""
        self._is_stopped = True
        for job in list(self._underway.values()):
            job.cancel()
        thread = self._thread
        if thread is not None:
            thread.join()
        return sum(record.state is JobState.CANCELLED for record in self.records())

    def retry(self) -> Search:
        """Ask anew for the points of trials that failed or were cancelled, as further trials."""
        undone = [
            self._asked[index]
            for index, record in enumerate(self.records())
            if record.state in (JobState.FAILED, JobState.CANCELLED) and index < len(self._asked)
        ]
        for trial in undone:
            self._trials.again(trial)
        return self.grow(len(self._items) + len(undone))

    def __repr__(self) -> str:
        return f"<Search {self.title}: {self._counted()} trials are final>"

    # Its thread

    def _run(self) -> None:
        try:
            for index, trial in enumerate(self._asked):
                if self._items.slot(index) is None:
                    self._submit(index, trial)
            while True:
                while self._is_going_on():
                    self._tell(self._next())
                with self._lock:
                    if not self._has_room():
                        self._end()
                        return
        except Exception as error:  # noqa: BLE001  # the edge of this thread; `wait` raises it
            with self._lock:
                self._error = error
                self._end()

    def _end(self) -> None:
        """Have nobody wait for what will not be asked for. Under the lock: `grow` begins anew."""
        left = [index for index in range(len(self._items)) if self._items.slot(index) is None]
        self._items.withdraw(left, self._desk.link)
        self._thread = None

    def _has_room(self) -> bool:
        """Return whether there is more to ask for."""
        is_wanted = not self._is_stopped and len(self._asked) < self._wanted
        return is_wanted and self._trials.has_more()

    def _is_going_on(self) -> bool:
        """Ask for as many trials as there is room for; return whether any are under way."""
        while len(self._underway) < self._parallel and self._has_room():
            trial = self._trials.ask()
            self._asked.append(trial)
            self._submit(len(self._asked) - 1, trial)
        if self._is_stopped:  # those that were submitted while `cancel` was at it
            for job in self._underway.values():
                job.cancel()
        return bool(self._underway)

    def _submit(self, index: int, trial: Trial) -> None:
        args = (trial.params, digest_of(trial.params), trial.number)
        job, request = self._desk.order(
            self._calling,
            args,
            f"{self._key}:{trial.number}",
            self._shipped,
            name=f"{self.title} trial {trial.number}",
            session=self._session,
        )
        self._underway[index] = job
        self._desk.link.send([request], [job])
        self._items.put(index, job)
        job.add_done_callback(partial(_ended, self._ended, index))

    def _next(self) -> int:
        """Wait for a trial that has ended, or in order for the first of those under way."""
        if not self._is_in_order:
            return self._ended.get()
        first = min(self._underway)
        self._underway[first].wait_final()
        return first

    def _tell(self, index: int) -> None:
        job, trial = self._underway.pop(index, None), self._asked[index]
        if job is None:
            return
        error = job.exception() if not job.cancelled() else None
        if job.cancelled():
            self._trials.fail(trial, "cancelled")
        elif error is not None:
            told = job.record.error.summary if job.record.error else repr(error)
            self._trials.fail(trial, told, is_pruned=type(error).__name__ == PRUNED)
        else:
            self._trials.tell(trial, job.result())

    def _of_before(self, trial: Trial) -> Job[Any]:
        """Return a job for a trial that was told before, whose own is not asked for."""
        job: Job[Any] = Job(self._desk.link, self.title, self._desk.options)
        error = ErrorInfo(type="optuna", message=trial.error) if trial.error else None
        record = replace(
            job.record,
            state=JobState.SUCCEEDED if error is None else JobState.FAILED,
            error=error,
            started_at=_ms(trial.began_at),
            finished_at=_ms(trial.ended_at),
        )
        job.defer(record, Deferred(lambda: Outcome(self._trials.result(trial))))
        return job


def searched(
    desk: Desk,
    func: Callable[..., Any],
    study: Any,
    space: Mapping[str, Any],
    *,
    trials: int,
    parallel: int | None,
    seed: int,
    value: str | Sequence[str],
    changed: str,
    is_in_order: bool,
) -> Search:
    """Return the search of an Optuna study; see `Client.optimize`."""
    if changed not in CHANGED[:2]:
        raise ValueError(f"changed is one of {', '.join(CHANGED[:2])}; this is {changed!r:.200}")
    if not isinstance(space, Mapping) or not space:
        raise TypeError(f"a search is over {{'x': FloatDistribution(0, 1), …}}, not {space!r:.200}")
    whole("trials", trials, 1)
    at_once = desk.link.processes() if parallel is None else whole("parallel", parallel, 1)
    names = [value] if isinstance(value, str) else list(value)
    calling = calling_of(func, whole("seed", seed, 0), dict.fromkeys(space))
    code = code_of(func)
    asked = Trials(study, space, names)
    asked.require_code(code, changed)
    search = Search(
        desk,
        asked,
        calling,
        code,
        title=desk.options.name or name_of(func)[:NAME_CHARS],
        session=session_of(study.study_name),
        seed=seed,
        parallel=at_once,
        is_in_order=is_in_order,
    )
    return search.begin(trials)


def _ended(ended: queue.SimpleQueue[int], index: int, _job: object) -> None:
    ended.put(index)


def _ms(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1000)
