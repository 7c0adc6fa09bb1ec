"""Keeps a worker's leases: one thread of the main process, away from all user code."""

from __future__ import annotations

import contextlib
import logging
import queue
import re
import signal
import threading
import time

import psutil

from taskkit.ledger import Lease, Ledger
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.workers import WorkerInfo

logger = logging.getLogger(__name__)


class Keeper:
    """Joins, beats, stops what was cancelled, reports what died, and leaves."""

    def __init__(
        self,
        ledger: Ledger,
        info: WorkerInfo,
        deaths: queue.SimpleQueue[tuple[int | None, str]],
        *,
        beat_s: float,
        interrupt_s: float,
    ) -> None:
        self._ledger = ledger
        self._info = info
        self._name = info.name
        self._deaths = deaths
        self._beat_s = beat_s
        self._interrupt_s = interrupt_s
        self._interrupted: dict[Lease, float] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="taskkit-keeper", daemon=True)

    def start(self) -> None:
        """Begin; the worker is announced as soon as the ledger answers."""
        self._thread.start()

    def stop(self, reason: str) -> None:
        """Say goodbye; attempts still running are given to others."""
        self._is_over.set()
        if self._thread.ident is None:
            return  # it never got as far as to join
        self._thread.join(2 * self._beat_s)
        with contextlib.suppress(Unavailable):
            self._report_deaths()
            self._ledger.leave(self._name, reason)

    def _run(self) -> None:
        next_beat = 0.0
        while not self._is_over.is_set():
            try:
                self._report_deaths()
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
            except Exception:  # the edge of this thread: leases end without it
                logger.exception("the keeper stumbled")
                self._is_over.wait(1.0)

    def _beat(self) -> None:
        invalid = self._ledger.beat(self._name)
        if invalid is None:
            self._ledger.join(self._info)
            invalid = self._ledger.beat(self._name) or []
        for lease, pid in invalid:
            self._stop(lease, pid)
        known = {lease for lease, _ in invalid}
        self._interrupted = {lease: at for lease, at in self._interrupted.items() if lease in known}

    def _stop(self, lease: Lease, pid: int) -> None:
        """Interrupt a process whose lease is not valid; later end it and all that it started."""
        now = time.monotonic()
        first = self._interrupted.setdefault(lease, now)
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                self._ledger.drop(self._name, lease)
            elif first == now:
                process.send_signal(signal.SIGINT)
            elif now - first >= self._interrupt_s:
                for victim in (*process.children(recursive=True), process):
                    victim.kill()
        except psutil.NoSuchProcess:
            self._ledger.drop(self._name, lease)

    def _report_deaths(self) -> None:
        while True:
            try:
                pid, message = self._deaths.get_nowait()
            except queue.Empty:
                return
            for lease, holder in self._ledger.held(self._name):
                if holder == pid:
                    self._ledger.lose(lease, _cause(message))
                    self._ledger.drop(self._name, lease)


def _cause(message: str) -> str:
    """Return Celery's words for a death as a clause about the process."""
    found = re.search(r"(signal \d+ \(\w+\)|exitcode -?\d+)", message)
    if found is None:
        return f"its process died ({message})"
    what = found.group(1).replace("exitcode", "exit code")
    return f"its process ended with {what}"
