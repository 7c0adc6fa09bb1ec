"""Keeps a worker's leases: one thread of the main process, away from all user code."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import psutil

from taskkit.ledger import WATCHED_S, Lease, Ledger
from taskkit.logs import about
from taskkit.protocol.errors import Misconfigured, Unavailable
from taskkit.protocol.workers import WorkerInfo

from .claiming import WAITED
from .deaths import OutOfMemory, cause_of_death
from .handover import Handover
from .lengths import LONG_S
from .possessions import digest_of
from .pulse import Pulse
from .series import Running, Series
from .tree import end_tree

logger = logging.getLogger(__name__)

LISTEN_S = 5.0
"""How long one question lasts whether the ledger calls; the next follows at once."""

LOOK_S, LOOK_SOON_S = 1.0, 0.25
"""How often the keeper goes round where nothing calls it, and where it is ending a process."""

WATCH_S, WATCHES_S = 0.02, 1.5 * WATCHED_S
"""How often it looks at what its processes have claimed besides what they run, and for how long
after they last had."""

_CALLED: tuple[int | None, str] = (None, "the ledger calls")
"""What stands among the notes of deaths where the ledger, or whoever stops the worker, calls."""


class Keeper:
    """Joins, beats, stops what was cancelled, reports what died, and leaves."""

    def __init__(
        self,
        ledger: Ledger,
        info: WorkerInfo,
        deaths: queue.SimpleQueue[tuple[int | None, str]],
        handover: Handover,
        *,
        agree: Callable[[], None],
        beat_s: float,
        interrupt_s: float,
        finish_s: float,
        pulse: Pulse,
        series: Series | None = None,
        packages: Callable[[], Mapping[str, str]] = dict,
        processes: Callable[[], int] | None = None,
    ) -> None:
        self._ledger = ledger
        self._info = info
        self._name = info.name
        self._agree = agree
        self._processes = processes or (lambda: info.processes)
        #: How many there are now.
        self._packages = packages
        #: Asked here, where nothing waits for it: to look takes a moment.
        self._deaths = deaths
        self._beat_s = beat_s
        self._interrupt_s = interrupt_s
        self._finish_s = finish_s
        self._pulse = pulse
        self._handover = handover
        self._series = series or Series()
        self._watches_until = -math.inf
        self._out_of_memory = OutOfMemory()
        self._interrupted: dict[Lease, float] = {}
        self._nobodys: set[Lease] = set()
        #: Valid at the last beat, of a process that did not work.
        self._gives_back_at = math.inf
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="taskkit-keeper", daemon=True)
        # Apart, since one thread cannot wait for the ledger and for notes of this process at once,
        # and to look at both in turns is most of what thousands of idle workers ask of Redis.
        self._ear = threading.Thread(target=self._listen, name="taskkit-ear", daemon=True)

    def start(self) -> None:
        """Begin; the worker is announced as soon as the ledger answers."""
        self._thread.start()
        self._ear.start()

    def begin_to_stop(self) -> None:
        """Leave what runs its time to finish, then give it back and end its processes."""
        self._gives_back_at = time.monotonic() + self._finish_s
        self._deaths.put(_CALLED)

    def stop(self, reason: str) -> None:
        """Say goodbye; attempts still running are given to others."""
        self._is_over.set()
        self._deaths.put(_CALLED)
        if self._thread.ident is None:
            return  # it never got as far as to join
        self._thread.join(2 * self._beat_s)
        with contextlib.suppress(Unavailable):
            self._report_deaths()
            self._ledger.leave(self._name, reason)
        self._pulse.stop()

    def _run(self) -> None:
        next_beat = 0.0
        while not self._is_over.is_set():
            self._pulse.beat()
            try:
                self._report_deaths()
                if time.monotonic() >= self._gives_back_at:
                    self._give_back()
                if time.monotonic() >= next_beat:
                    self._beat()
                    next_beat = time.monotonic() + self._beat_s
                is_ending = self._interrupted or self._gives_back_at < math.inf
                look_s = LOOK_SOON_S if is_ending else LOOK_S
                if self._watches():
                    look_s = WATCH_S
                wait_s = min(look_s, max(0.01, next_beat - time.monotonic()))
                if self._is_called(wait_s):
                    next_beat = 0.0
                elif self._interrupted:
                    next_beat = min(next_beat, time.monotonic() + wait_s)
            except Unavailable as error:
                logger.warning("%s; trying again", error)
                self._is_over.wait(1.0)
            except Misconfigured as error:
                logger.critical("the worker stops: %s", error)
                os.kill(os.getpid(), signal.SIGTERM)
                self._is_over.wait()
            except Exception:  # the edge of this thread: leases end without it
                logger.exception("the keeper stumbled")
                self._is_over.wait(1.0)

    def _listen(self) -> None:
        while not self._is_over.is_set():
            try:
                if self._ledger.wait_wake(self._name, LISTEN_S):
                    self._deaths.put(_CALLED)
            except Unavailable:
                self._is_over.wait(1.0)  # the keeper says so
            except Exception:  # the edge of this thread: without it a cancelled job runs for longer
                logger.exception("the keeper cannot hear")
                self._is_over.wait(1.0)

    def _is_called(self, wait_s: float) -> bool:
        """Wait for a note; return whether it is a call. One of a death is heeded."""
        try:
            note = self._deaths.get(timeout=wait_s)
        except queue.Empty:
            return False
        if note is not _CALLED:
            self._report(note)
        return note is _CALLED

    def _beat(self) -> None:
        invalid = self._ledger.beat(self._name)
        processes = self._processes()
        if invalid is None or processes != self._info.processes:
            self._agree()
            self._info = replace(self._info, processes=processes)
            if not self._info.environment:
                self._ledger.join(self._info)  # at once: jobs may wait, and to look takes a moment
            packages = self._packages()
            environment = digest_of(packages)
            self._info = replace(self._info, processes=processes, environment=environment)
            self._ledger.join(self._info, packages)
            invalid = self._ledger.beat(self._name) or []
        self._ledger.seek(self._name)
        for lease, pid in invalid:
            self._stop(lease, pid)
        self._give_back_nobodys()
        known = {lease for lease, _ in invalid}
        self._interrupted = {lease: at for lease, at in self._interrupted.items() if lease in known}

    def _give_back_nobodys(self) -> None:
        """Give back what no process is at: Redis has lost its end, by a failover or a power cut.

        Its lease would be renewed for ever. Seen twice, for an outcome may be on its way.
        """
        held = self._ledger.held(self._name)
        nobodys = {lease for lease, pid in held if not self._handover.is_at_work(pid)}
        for one in self._series.running():
            if not self._handover.is_at_work(one.pid):  # nobody has told of its death
                self._series.forget(one.pid)
        for lease in nobodys & self._nobodys:
            record = self._ledger.give_back(lease, "Redis had lost how it ended")
            if record is not None:
                with about(user=lease.ref.owner, job=lease.ref.id, attempt=lease.token):
                    logger.warning("an attempt is given back: Redis had lost how it ended")
            self._ledger.drop(self._name, lease)
        self._nobodys = nobodys

    def _watches(self) -> bool:
        """Take back what waits behind a job that takes long; return whether to look again soon."""
        now, running = time.monotonic(), self._series.running()
        for one in running:
            if one.left and not one.is_taken_back and now - one.since_s >= LONG_S:
                self._take_back(one)
        if running:
            self._watches_until = now + WATCHES_S
        return now < self._watches_until

    def _take_back(self, one: Running) -> None:
        with self._handover.holding(one.pid) as is_held:
            if not is_held or self._series.of(one.pid) != one:
                return  # it goes on
            # First: where the ledger is away, the process gives them back itself.
            self._series.take_back(one)
            held = self._ledger.held(self._name)
            waiting = [lease for lease, pid in held if pid == one.pid and not one.is_at(lease)]
            self._ledger.hand_back(self._name, waiting, WAITED)

    def _give_back(self) -> None:
        for lease, pid in self._ledger.held(self._name):
            with self._handover.holding(pid) as is_held:
                if is_held:
                    self._ledger.give_back(lease, f"worker {self._name} was stopped")
                    with contextlib.suppress(psutil.NoSuchProcess):
                        end_tree(pid)

    def _stop(self, lease: Lease, pid: int) -> None:
        """Interrupt a process whose lease is not valid; later end it and all that it started."""
        with self._handover.holding(pid) as is_held:
            if not is_held:
                return  # it begins another job just now: the next beat sees that this one is over
            try:
                is_zombie = psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
                if is_zombie or not self._runs(lease, pid):
                    self._ledger.drop(self._name, lease)
                    self._have_looked_again(pid)
                elif lease not in self._interrupted:
                    self._interrupted[lease] = time.monotonic()
                    os.kill(pid, signal.SIGINT)
                elif time.monotonic() - self._interrupted[lease] >= self._interrupt_s:
                    end_tree(pid)
            except (psutil.NoSuchProcess, ProcessLookupError):
                self._ledger.drop(self._name, lease)

    def _have_looked_again(self, pid: int) -> None:
        """Have a process run none of those behind its job: one of them was cancelled."""
        one = self._series.of(pid)
        if one is not None and one.left:
            self._series.take_back(one)

    def _runs(self, lease: Lease, pid: int) -> bool:
        """Return whether the process is still at this job, and at no later one."""
        one = self._series.of(pid)
        if one is not None:
            return one.is_at(lease)
        at = [held for held, holder in self._ledger.held(self._name) if holder == pid]
        return at == [lease]

    def _report_deaths(self) -> None:
        is_called = False
        while True:
            try:
                note = self._deaths.get_nowait()
            except queue.Empty:
                break
            if note is _CALLED:
                is_called = True
            else:
                self._report(note)
        if is_called and not self._is_over.is_set():
            self._deaths.put(_CALLED)

    def _report(self, note: tuple[int | None, str]) -> None:
        pid, message = note
        struck = self._out_of_memory.has_struck()
        cause = cause_of_death(message, is_out_of_memory=struck)
        if pid is not None:  # it may have died while it waited: nothing more is handed to it
            self._ledger.rise(worker=self._name, pid=pid)
        ran = None if pid is None else self._series.of(pid)
        for lease, holder in self._ledger.held(self._name):
            if holder == pid and ran is not None and not ran.is_at(lease):
                self._ledger.hand_back(self._name, [lease], "its process died with another job")
            elif holder == pid:
                with about(user=lease.ref.owner, job=lease.ref.id, attempt=lease.token):
                    logger.warning("an attempt is lost: %s", cause)
                self._ledger.lose(lease, cause)
                self._ledger.drop(self._name, lease)
        if pid is not None:
            self._series.forget(pid)
