"""`Finding`: the jobs of a study that other kernels have submitted, or this one before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from ..client.items import Slot, came_of
from ..client.job import Job
from ..client.link import Link
from ..protocol.errors import Unavailable
from ..protocol.jobs import JobRecord, JobState
from .pieces import Piece, check_of, piece_of
from .rows import Rows

OUTCOME_S = 60.0
"""How long is waited for what came of a chunk of before, where the server is away just now."""

Again = Callable[[list[int]], None]
"""Has rows be given to other jobs, for theirs has given them back."""

IsGiven = Callable[[int], bool]
"""Says whether this kernel has given a row to jobs of its own."""


class Finding:
    """Puts jobs back to the rows that they carry, and follows those that run."""

    def __init__(
        self, link: Link, rows: Rows, *, label: str, seed: int, again: Again, is_given: IsGiven
    ) -> None:
        self._link = link
        self._rows = rows
        self._label = label
        self._seed = seed
        self._again = again
        self._is_given = is_given
        self._known: set[str] = set()

    def know(self, jobs: Iterable[Job[Any]]) -> None:
        """Take these jobs, which this kernel has submitted, as found."""
        self._known.update(job.record.id for job in jobs)

    def find(self, records: Iterable[JobRecord], codes: Sequence[str]) -> None:
        """Take jobs, the oldest first; those of other functions than these are passed over.

        Raises:
            Unavailable: What came of one cannot be had.
        """
        for record in records:
            piece = piece_of(self._label, record.title)
            if piece is None or record.id in self._known or piece.rows.stop > len(self._rows):
                continue
            code = self._code(piece, codes)
            if code is not None:
                self._known.add(record.id)
                self._take(piece, code, record)

    def _code(self, piece: Piece, codes: Sequence[str]) -> str | None:
        """Return which function a job calls; None where it is another study's."""
        first = self._rows.planned[piece.start]
        checks = ((code, check_of(code, self._seed, first)) for code in codes)
        return next((code for code, check in checks if check.startswith(piece.check)), None)

    def _take(self, piece: Piece, code: str, record: JobRecord) -> None:
        job = self._link.attach(record)
        self._rows.codes[job] = code
        is_chunk = piece.stop is not None
        if is_chunk and record.is_final and record.state is not JobState.CANCELLED:
            _bring(job)  # how many of its calls it has made is seen by that alone
        for place, index in enumerate(piece.rows):
            slot = Slot(job, place if is_chunk else None)
            self._rows.take(index, slot, is_given=self._is_given(index))
        self._rows.follow(job)
        if is_chunk and not record.is_final:
            job.add_done_callback(partial(self._came_back, piece.rows))

    def _came_back(self, part: range, job: Any) -> None:
        """Have what a chunk has not begun be given to others; in the client's own thread."""
        slots = ((index, self._rows.slot(index)) for index in part)
        mine = [(index, slot) for index, slot in slots if slot is not None and slot.job is job]
        left = [index for index, slot in mine if not slot.has_outcome()]
        if left:
            with suppress(RuntimeError):  # the client is closed; who opens the study sees to it
                self._again(left)


def _bring(job: Job[Any]) -> None:
    try:
        came_of(job, OUTCOME_S)
    except TimeoutError as error:
        raise Unavailable(f"the results of the study cannot be had now: {error}") from error
    except BaseException:  # noqa: BLE001, S110  # it failed as a whole, which its rows tell
        pass
