"""`Notes`: what a worker's processes note of themselves, besides what the stock build does."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from chaos.facts import Logged, Ran, Step
from chaos.recorder import Recorder

OWNER = "everybody"


class Notes:
    """Notes facts of the process that calls, which may be a fork of the one that made it.

    They go to a file, not to Redis: to note must not fail, nor make a job fail, when Redis is away.
    """

    def __init__(self, facts: Path) -> None:
        self._recorder = Recorder(facts)
        self._pid = 0
        self._epoch = ""
        self._seq = 0

    def ran(self, job: str, attempt: int, step: Step) -> None:
        """Note that the task's own code is here."""
        self._recorder.note("job", Ran(job=job, attempt=attempt, pid=os.getpid(), step=step))

    def number(self, kind: str, job: str, attempt: int) -> dict[str, Any]:
        """Return the message about an event that is to be emitted next; it is noted as logged.

        Each process numbers what it emits: two have no common order. What one process emits does
        keep its order on its way through Redis and the server.
        """
        if self._pid != os.getpid():
            self._pid, self._seq = os.getpid(), 0
            self._epoch = f"process {self._pid} of {time.monotonic_ns()}"
        self._seq += 1
        place: dict[str, Any] = {"epoch": self._epoch, "seq": self._seq}
        fact = Logged(owner=OWNER, **place, type=kind, job=job, attempt=attempt)
        self._recorder.note("ledger", fact)
        return {**place, "type": kind, "job": job}
