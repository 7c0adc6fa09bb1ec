"""Sends logs to one socket, from its cursors on: replay and live are the same reading."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from typing import Any

from taskkit.ledger import Ledger, LogPage
from taskkit.protocol import wire
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.events import (
    FACT_CHARS,
    SAID,
    AttemptFailed,
    AttemptStarted,
    CurvesReported,
    Event,
    FiguresDisplayed,
    JobCancelled,
    JobFailed,
    JobSubmitted,
    JobSucceeded,
    OutputWritten,
    ProgressReported,
    UsageReported,
)

logger = logging.getLogger(__name__)

HEAD_S = 5.0
"""How often a reader is told where its logs end, so that it can tell silence from loss."""

RIDE_S = 0.02
"""How long packets are apart where no event in them makes a job final: those wait for nothing.

That a job was submitted and was begun waits so long for others to travel with, or up to 0.1 s more
where Redis has nothing to do: it looks at its timeouts ten times a second (its setting `hz`)."""

CROWD, CROWD_S = 3, 0.005
"""After a reading that makes so many jobs final the next one waits: more are about to come, and one
packet for several costs all sides less than several. A lone job's end waits for nothing."""

BACKLOG = 16
"""How many packets may wait for a slow reader before its feed pauses."""

PACKET_CHARS = 131_072
"""About how long a packet is at most, so that the backlog is bounded in bytes too: 2 MiB or so."""

POINT_CHARS = 16
"""About how long a point of a curve is in a packet."""

FIGURE_CHARS = 300
"""About how long a figure is that is not inline."""

FINAL = (JobSucceeded, JobFailed, JobCancelled)
EXPECTED = (JobSubmitted, AttemptStarted)

Emit = Callable[[str, dict[str, Any]], None]


class Feed:
    """One thread a socket, ended by `stop`; reads the ledger, knows nothing of other sockets."""

    def __init__(
        self,
        ledger: Ledger,
        logs: dict[str, tuple[str, Cursor]],
        emit: Emit,
        backlog: Callable[[], int],
    ) -> None:
        self._ledger = ledger
        self._names = {log: name for name, (log, _) in logs.items()}
        #: Name in the ledger -> name on the wire.
        self._cursors = dict(logs.values())
        self._emit = emit
        self._backlog = backlog
        self._is_checked = False
        #: Whether the cursors were held against the logs since the ledger was last away.
        self._sent_at = -math.inf
        self._next_head = 0.0
        self._is_over = threading.Event()
        # What it logs is about the request that opened the socket.
        run = partial(copy_context().run, self._run)
        self._thread = threading.Thread(target=run, name="taskkit-feed", daemon=True)

    def start(self) -> None:
        """Begin to send, where there are logs to send."""
        if self._names:
            self._thread.start()

    def stop(self) -> None:
        """End; returns at once."""
        self._is_over.set()

    def _run(self) -> None:
        while not self._is_over.is_set():
            try:
                if not self._is_checked:
                    self._check()
                self._step()
                if time.monotonic() >= self._next_head:
                    self._send_heads()
                    self._next_head = time.monotonic() + HEAD_S
            except Unavailable:
                self._is_checked = False
                self._is_over.wait(0.5)
            except Exception:  # the edge of this thread: the reader resumes from its cursor
                logger.exception("a feed ended")
                return

    def _check(self) -> None:
        """Hold each cursor against its log, which may have been restored from an older copy."""
        for log, cursor in list(self._cursors.items()):
            page = self._ledger.read(log, cursor, limit=1)
            if page.is_gap and cursor != Cursor():
                self._send(self._names[log], self._advanced(log, page))
        self._is_checked = True

    def _step(self) -> None:
        self._wait_for_room()
        # A socket that is idle asks Redis twice in five seconds, here and for the log's epoch: a
        # thousand of them are most of what an idle server does.
        pages = self._read(max(0.0, self._next_head - time.monotonic()))
        deadline = time.monotonic() + RIDE_S
        while pages and not any(map(_is_news, pages.values())):
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                break
            try:
                more = self._read(left_s)
            except Unavailable:
                self._is_checked = False
                break  # the cursors are past what was read: it goes out now
            pages = _joined(pages, more)
        if not any(map(_is_urgent, pages.values())):
            self._is_over.wait(max(0.0, self._sent_at + RIDE_S - time.monotonic()))
        for log, page in pages.items():
            self._send(self._names[log], page)
            self._sent_at = time.monotonic()
        if any(map(_is_crowd, pages.values())):
            self._is_over.wait(CROWD_S)

    def _read(self, timeout_s: float) -> dict[str, LogPage]:
        pages = self._ledger.follow(self._cursors, timeout_s=timeout_s)
        return {log: self._advanced(log, page) for log, page in pages.items()}

    def _advanced(self, log: str, page: LogPage) -> LogPage:
        """Move the log's cursor over a page; over a gap to the log's end."""
        is_start = self._cursors[log] == Cursor()
        if page.is_gap and not is_start:
            head = self._cursors[log] = self._ledger.head(log)
            return LogPage(epoch=head.epoch, events=(), head=head.seq, is_gap=True)
        if page.events:
            self._cursors[log] = Cursor(page.epoch, page.events[-1].seq, page.events[-1].at)
        return replace(page, is_gap=False)

    def _send(self, name: str, page: LogPage) -> None:
        if page.is_gap:
            self._emit("gap", {"log": name, "epoch": page.epoch, "seq": page.head})
            return
        for number, part in enumerate(_parts(page.events)):
            if number:
                self._wait_for_room()
            if self._is_over.is_set():
                return  # the reader is gone; it comes again with its own cursor
            events = [wire.event_to_wire(event) for event in part]
            packet = {"log": name, "epoch": page.epoch, "events": events, "head": page.head}
            self._emit("batch", packet)

    def _wait_for_room(self) -> None:
        while self._backlog() > BACKLOG and not self._is_over.wait(0.05):
            pass

    def _send_heads(self) -> None:
        """Say how far the logs have been sent: to their ends, or what comes would be here."""
        for log, name in self._names.items():
            at = self._cursors[log]
            self._emit("head", {"log": name, "epoch": at.epoch, "seq": at.seq})


def _parts(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Yield the events in stretches of about `PACKET_CHARS`; at least one."""
    part: list[Event] = []
    size = 0
    for event in events:
        part.append(event)
        size += _chars(event)
        if size >= PACKET_CHARS:
            yield part
            part, size = [], 0
    if part or not events:
        yield part


def _chars(event: Event) -> int:
    match event:
        case CurvesReported():
            return sum(POINT_CHARS * len(curve.x) for curve in event.curves)
        case FiguresDisplayed():
            return sum(len(figure.inline or "") + FIGURE_CHARS for figure in event.figures)
        case OutputWritten():
            return len(event.text)
        case JobFailed() | AttemptFailed():
            return len(event.error.message) + len(event.error.traceback)
        case JobSucceeded():
            return len(event.result.inline or "") + len(event.result.preview)
        case ProgressReported() | UsageReported():
            return 200
        case _ if isinstance(event, SAID):
            return FACT_CHARS
    return 200


def _is_news(page: LogPage) -> bool:
    return page.is_gap or not all(isinstance(event, EXPECTED) for event in page.events)


def _is_urgent(page: LogPage) -> bool:
    return page.is_gap or _finals(page) > 0


def _is_crowd(page: LogPage) -> bool:
    """Whether many jobs have ended just now; what is replayed is read on at once."""
    is_end = bool(page.events) and page.events[-1].seq >= page.head
    return is_end and _finals(page) >= CROWD


def _finals(page: LogPage) -> int:
    return sum(isinstance(event, FINAL) for event in page.events)


def _joined(first: dict[str, LogPage], second: dict[str, LogPage]) -> dict[str, LogPage]:
    pages = dict(first)
    for log, page in second.items():
        before = pages.get(log)
        if before is None or page.is_gap:
            pages[log] = page
        else:
            pages[log] = replace(page, events=before.events + page.events)
    return pages
