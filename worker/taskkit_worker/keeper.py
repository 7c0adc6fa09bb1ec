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

from taskkit.ledger import Lease, Ledger
from taskkit.logs import about
from taskkit.protocol.errors import Misconfigured, Unavailable
from taskkit.protocol.workers import WorkerInfo

from .deaths import OutOfMemory, cause_of_death
from .handover import Handover
from .possessions import digest_of
from .pulse import Pulse
from .tree import end_tree

logger = logging.getLogger(__name__)


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
        self._out_of_memory = OutOfMemory()
        self._interrupted: dict[Lease, float] = {}
        self._gives_back_at = math.inf
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="taskkit-keeper", daemon=True)

    def start(self) -> None:
        """Begin; the worker is announced as soon as the ledger answers."""
        self._thread.start()

    def begin_to_stop(self) -> None:
        """Leave what runs its time to finish, then give it back and end its processes."""
        self._gives_back_at = time.monotonic() + self._finish_s

    def stop(self, reason: str) -> None:
        """Say goodbye; attempts still running are given to others."""
        self._is_over.set()
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
                # Short waits: deaths are noted in this process, where nothing wakes a BLPOP.
                wait_s = min(0.25, max(0.01, next_beat - time.monotonic()))
                if self._ledger.wait_wake(self._name, wait_s):
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
        known = {lease for lease, _ in invalid}
        self._interrupted = {lease: at for lease, at in self._interrupted.items() if lease in known}

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
                elif lease not in self._interrupted:
                    self._interrupted[lease] = time.monotonic()
                    os.kill(pid, signal.SIGINT)
                elif time.monotonic() - self._interrupted[lease] >= self._interrupt_s:
                    end_tree(pid)
            except (psutil.NoSuchProcess, ProcessLookupError):
                self._ledger.drop(self._name, lease)

    def _runs(self, lease: Lease, pid: int) -> bool:
        """Return whether the process is still at this job, and at no later one."""
        at = [held for held, holder in self._ledger.held(self._name) if holder == pid]
        return at == [lease]

    def _report_deaths(self) -> None:
        while True:
            try:
                pid, message = self._deaths.get_nowait()
            except queue.Empty:
                return
            struck = self._out_of_memory.has_struck()
            cause = cause_of_death(message, is_out_of_memory=struck)
            if pid is not None:  # it may have died while it waited: nothing more is handed to it
                self._ledger.rise(worker=self._name, pid=pid)
            for lease, holder in self._ledger.held(self._name):
                if holder == pid:
                    with about(user=lease.ref.owner, job=lease.ref.id, attempt=lease.token):
                        logger.warning("an attempt is lost: %s", cause)
                    self._ledger.lose(lease, cause)
                    self._ledger.drop(self._name, lease)
