"""What a job prints, as it comes: first what is there, then the log, with no gap between them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

from taskkit.ledger import JobRef, Ledger
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.events import (
    AttemptStarted,
    Event,
    JobCancelled,
    JobFailed,
    JobSucceeded,
    OutputWritten,
)
from taskkit.protocol.jobs import JobRecord

LOOK_S = 1.0
"""How often it is looked whether somebody reads still, where nothing comes."""

AWAY_S = 0.5
"""How long is waited for a ledger that is away."""

FINAL = (JobSucceeded, JobFailed, JobCancelled)


class OutputStream:
    """One reader's way through a job's output.

    It counts the characters of the current attempt that have been read, so that a record, which
    has the end of them, and the events, which have what is new, fit together to the character: also
    when the log is lost, or was trimmed, and the record is all there is.
    """

    def __init__(self, ledger: Ledger, ref: JobRef, is_wanted: Callable[[], bool]) -> None:
        self._ledger = ledger
        self._ref = ref
        self._is_wanted = is_wanted
        self._place = Cursor()
        self._attempt = 0
        self._read_chars = 0
        #: Of this attempt.
        self._is_final = False

    def begin(self) -> JobRecord | None:
        """Return the job as it is now; the text goes on behind its output."""
        record = self._look()
        if record is not None:
            self._attempt = record.attempt
            self._read_chars = record.output_dropped_chars + len(record.output)
        return record

    def rest(self) -> Iterator[str]:
        """Yield what comes until the job is final, is gone, or nobody wants to read any more."""
        while not self._is_final and self._is_wanted():
            try:
                text = self._more()
            except Unavailable:
                threading.Event().wait(AWAY_S)
                self._place = Cursor()  # what was missed is in the record, and the log may be new
                continue
            if text:
                yield text

    def _more(self) -> str:
        if self._place == Cursor():
            return self._caught_up(self._look())
        page = self._ledger.follow({self._ref.owner: self._place}, timeout_s=LOOK_S).get(
            self._ref.owner
        )
        if page is None:
            return ""
        if page.is_gap:
            return self._caught_up(self._look())
        last = page.events[-1]
        self._place = Cursor(page.epoch, last.seq, last.at)
        return self._told(page.events)

    def _look(self) -> JobRecord | None:
        """Return the record; the log is followed from where it has all in it."""
        # In this order: what is in the log at its head now is in the record that is read next.
        head = self._ledger.head(self._ref.owner)
        record = self._ledger.job(self._ref)
        if record is None or record.is_final:
            self._is_final = True
        else:
            self._place = Cursor(head.epoch, max(head.seq, record.seq))
        return record

    def _told(self, events: Sequence[Event]) -> str:
        said: list[str] = []
        for event in events:
            if event.job != self._ref.id:
                continue
            match event:
                case OutputWritten(text=text):
                    self._read_chars += len(text)
                    said.append(text)
                case AttemptStarted(attempt=attempt):
                    self._attempt, self._read_chars = attempt, 0
                case _ if isinstance(event, FINAL):
                    self._is_final = True
        return "".join(said)

    def _caught_up(self, record: JobRecord | None) -> str:
        if record is None:
            return ""
        if record.attempt != self._attempt:
            self._attempt, self._read_chars = record.attempt, 0
        lost = max(0, record.output_dropped_chars - self._read_chars)
        begin = max(0, self._read_chars - record.output_dropped_chars)
        self._read_chars = record.output_dropped_chars + len(record.output)
        told = f"\n[taskkit: {lost:,} characters of the output are not kept any more]\n"
        return (told if lost else "") + record.output[begin:]
