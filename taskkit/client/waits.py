"""Asks now and then what queued jobs wait for: of workers that come and go no event tells."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import islice

from ..protocol import wire
from ..protocol.errors import TaskkitError
from ..protocol.jobs import JobState
from .board import Board
from .http import Http

EVERY_S = 5.0
MOST_KINDS = 8
"""How many kinds of needs are asked for at once, by one job each."""


class Waits:
    """Keeps `waits_for` of the jobs on a board as the server says it."""

    def __init__(self, board: Board, http: Http, run: Callable[[Callable[[], None]], None]) -> None:
        self._board = board
        self._http = http
        self._run = run
        #: Has something done in another thread.
        self._next_s = time.monotonic() + EVERY_S

    def look(self) -> None:
        """Ask, if it is time for that; returns at once."""
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + EVERY_S
        for lane, job_id in islice(self._board.waiting().items(), MOST_KINDS):
            self._run(partial(self._ask, lane, job_id))

    def _ask(self, lane: str, job_id: str) -> None:
        try:
            record = wire.record_from_wire(self._http.get(f"/jobs/{job_id}"))
        except TaskkitError:
            return  # later again
        if record.state is JobState.QUEUED:
            self._board.note_waits(lane, record.waits_for)
