"""One socket's feed: replay and live are the same reading."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from serving import FadingLedger, queued, running

from taskkit.ledger import LogPage
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.events import JobSucceeded, OutputWritten, ProgressReported
from taskkit.protocol.jobs import ResultInfo
from taskkit.protocol.spec import LOCAL_OWNER, WORKERS_LOG
from taskkit_server.live import feed as feed_module
from taskkit_server.live.feed import BACKLOG, CROWD, PACKET_CHARS, Feed

LIMIT_S = 5.0
START = Cursor()
DONE = JobSucceeded(result=ResultInfo(media_type="application/json", size_bytes=4))

Packet = tuple[str, dict[str, Any]]


class Reader:
    """Keeps the packets that a feed sends."""

    def __init__(self) -> None:
        self.packets: list[Packet] = []
        self.waiting = 0
        #: What the socket says of its backlog.
        self._changed = threading.Condition()

    def emit(self, event: str, packet: dict[str, Any]) -> None:
        with self._changed:
            self.packets.append((event, packet))
            self._changed.notify_all()

    def until(self, is_so: Callable[[], bool]) -> None:
        """Return when it is so."""
        with self._changed:
            assert self._changed.wait_for(is_so, LIMIT_S), self.packets

    def comes(self, seq: int) -> bool:
        """Return whether this event comes within a moment."""
        with self._changed:
            return self._changed.wait_for(lambda: seq in self.seqs(), 0.3)

    def until_seq(self, seq: int) -> None:
        """Return when this event is here."""
        self.until(lambda: seq in self.seqs())

    def of(self, kind: str) -> list[dict[str, Any]]:
        """Return the packets of one kind."""
        return [packet for event, packet in self.packets if event == kind]

    def seqs(self, log: str = "jobs") -> list[int]:
        """Return the numbers of the events that came, in their order."""
        batches = (packet for packet in self.of("batch") if packet["log"] == log)
        return [event["seq"] for packet in batches for event in packet["events"]]


Begin = Callable[..., Feed]


@pytest.fixture
def reader() -> Reader:
    """The other side."""
    return Reader()


@pytest.fixture
def begin(ledger: FadingLedger, reader: Reader) -> Iterator[Begin]:
    """Start a feed of the owner's log; all are stopped at the end."""
    begun: list[Feed] = []

    def begin_one(
        cursor: Cursor = START, *, of: MemoryLedger = ledger, workers: Cursor | None = None
    ) -> Feed:
        logs = {"jobs": (LOCAL_OWNER, cursor)}
        if workers is not None:
            logs["workers"] = (WORKERS_LOG, workers)
        feed = Feed(of, logs, reader.emit, lambda: reader.waiting)
        begun.append(feed)
        feed.start()
        return feed

    yield begin_one
    for feed in begun:
        feed.stop()


def test_the_past_comes_first_and_then_what_happens(
    ledger: FadingLedger, reader: Reader, begin: Begin
) -> None:
    """From the beginning, without a hole and in order."""
    for _ in range(3):
        queued(ledger)
    begin()
    reader.until_seq(3)
    queued(ledger)
    reader.until_seq(4)
    assert reader.seqs() == [1, 2, 3, 4]
    assert reader.of("batch")[-1]["head"] == 4
    assert reader.of("batch")[0]["epoch"] == ledger.head(LOCAL_OWNER).epoch


def test_a_reader_goes_on_where_it_was(ledger: FadingLedger, reader: Reader, begin: Begin) -> None:
    """What it has read is not sent again."""
    for _ in range(5):
        queued(ledger)
    begin(Cursor(ledger.head(LOCAL_OWNER).epoch, 3))
    reader.until_seq(5)
    assert reader.seqs() == [4, 5]


def test_a_long_past_comes_whole(ledger: FadingLedger, reader: Reader, begin: Begin) -> None:
    """Longer than what one reading of the ledger gives."""
    lease = running(ledger)
    ledger.append(lease, 1, [ProgressReported(done=n) for n in range(1200)])
    begin()
    reader.until_seq(1202)
    assert reader.seqs() == list(range(1, 1203))


def test_after_many_ends_at_once_the_next_wait_for_more(
    ledger: FadingLedger, reader: Reader, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lone end waits for nothing, however many there are one after another."""
    monkeypatch.setattr(feed_module, "CROWD_S", 3600.0)
    begin(ledger.head(LOCAL_OWNER))
    for _ in range(2 * CROWD):
        ledger.finish(running(ledger), DONE, None)
        reader.until_seq(ledger.head(LOCAL_OWNER).seq)
    leases = [running(ledger) for _ in range(CROWD)]
    reader.until_seq(ledger.head(LOCAL_OWNER).seq)
    with ledger._changed:  # so that they are read at once
        for lease in leases:
            ledger.finish(lease, DONE, None)
    crowd = ledger.head(LOCAL_OWNER).seq
    reader.until_seq(crowd)
    ledger.finish(running(ledger), DONE, None)
    assert not reader.comes(crowd + 1)


def test_a_long_past_with_many_ends_is_read_on_at_once(
    ledger: FadingLedger, reader: Reader, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only at its end more is about to come."""
    monkeypatch.setattr(feed_module, "CROWD_S", 3600.0)
    for _ in range(400):
        ledger.finish(running(ledger), DONE, None)
    begin()
    reader.until_seq(ledger.head(LOCAL_OWNER).seq)


def test_events_ride_together(
    ledger: FadingLedger, reader: Reader, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the same instant are one packet; one that makes a job final takes them along."""
    monkeypatch.setattr(feed_module, "RIDE_S", LIMIT_S)
    begin()
    ledger.cancel(running(ledger).ref)
    reader.until_seq(3)
    assert [len(packet["events"]) for packet in reader.of("batch")] == [3]


def test_a_report_waits_for_nothing(
    ledger: FadingLedger, reader: Reader, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where packets are far apart anyway."""
    monkeypatch.setattr(feed_module, "RIDE_S", 2 * LIMIT_S)
    begin()
    lease = running(ledger)
    ledger.append(lease, 1, [ProgressReported(done=1)])
    reader.until_seq(3)


def test_packets_of_reports_are_apart(
    ledger: FadingLedger, reader: Reader, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reports in turns with others does not make a packet each; a final event does."""
    monkeypatch.setattr(feed_module, "RIDE_S", 0.2)
    begin()
    lease = running(ledger)
    ledger.append(lease, 1, [ProgressReported(done=1)])
    reader.until_seq(3)
    began = time.monotonic()
    for number in range(2, 12):
        ledger.append(lease, number, [ProgressReported(done=number)])
        time.sleep(0.05)
    ledger.cancel(lease.ref)
    reader.until_seq(14)
    assert len(reader.of("batch")) <= 3 + (time.monotonic() - began) / 0.2


def test_events_do_not_wait_for_long(ledger: FadingLedger, reader: Reader, begin: Begin) -> None:
    """With nothing to ride with, they go alone."""
    begin()
    queued(ledger)
    reader.until_seq(1)
    assert reader.seqs() == [1]


def test_two_logs_are_told_apart(ledger: FadingLedger, reader: Reader, begin: Begin) -> None:
    """Each with its own numbers, under the names of the wire."""
    queued(ledger)
    begin(workers=Cursor())
    reader.until(lambda: reader.seqs("workers") == [1] and reader.seqs() == [1])
    assert {packet["log"] for packet in reader.of("batch")} == {"jobs", "workers"}


def test_a_cursor_of_another_epoch_is_told_the_gap(
    ledger: FadingLedger, reader: Reader, begin: Begin
) -> None:
    """It is told where the log ends, and gets what comes after."""
    queued(ledger)
    epoch = ledger.head(LOCAL_OWNER).epoch
    begin(Cursor("another", 7))
    reader.until(lambda: bool(reader.of("gap")))
    queued(ledger)
    reader.until_seq(2)
    assert reader.of("gap") == [{"log": "jobs", "epoch": epoch, "seq": 1}]
    assert reader.seqs() == [2]


def test_a_reader_left_behind_by_the_log_is_told_the_gap(reader: Reader, begin: Begin) -> None:
    """What it missed was trimmed; nothing is passed over in silence."""
    small = MemoryLedger(log_events=3)
    for _ in range(10):
        queued(small)
    begin(Cursor(small.head(LOCAL_OWNER).epoch, 2), of=small)
    reader.until(lambda: bool(reader.of("gap")))
    queued(small)
    reader.until_seq(11)
    assert reader.of("gap")[0]["seq"] == 10
    assert reader.seqs() == [11]


def test_who_reads_from_the_start_gets_what_is_left(reader: Reader, begin: Begin) -> None:
    """A newcomer has missed nothing: no gap, but the oldest events that are here."""
    small = MemoryLedger(log_events=3)
    for _ in range(10):
        queued(small)
    begin(of=small)
    reader.until_seq(10)
    assert reader.of("gap") == []
    assert reader.seqs() == [8, 9, 10]


def test_heads_tell_silence_from_loss(
    ledger: FadingLedger, reader: Reader, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Again and again, and never of an event that has not been sent before."""
    monkeypatch.setattr(feed_module, "HEAD_S", 0.02)
    begin()
    queued(ledger)
    reader.until(lambda: len([p for p in reader.of("head") if p["seq"] == 1]) >= 2)
    epoch = ledger.head(LOCAL_OWNER).epoch
    assert reader.of("head")[-1] == {"log": "jobs", "epoch": epoch, "seq": 1}
    kinds = [kind for kind, packet in reader.packets if packet.get("seq", 1) == 1]
    assert kinds[0] == "batch"


class Counted(MemoryLedger):
    """A ledger that counts how often it is asked."""

    asked = 0

    def follow(self, cursors: Mapping[str, Cursor], *, timeout_s: float) -> dict[str, LogPage]:
        self.asked += 1
        return super().follow(cursors, timeout_s=timeout_s)

    def head(self, log: str) -> Cursor:
        self.asked += 1
        return super().head(log)


def test_a_reader_of_whom_nothing_happens_costs_a_question_a_head(
    reader: Reader, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand idle notebooks are a thousand times that, as often as they are told heads."""
    monkeypatch.setattr(feed_module, "HEAD_S", 0.05)
    counted = Counted()
    begin(of=counted)
    reader.until(lambda: len(reader.of("head")) >= 20)
    assert counted.asked <= len(reader.of("head")) + 2


def test_a_slow_reader_is_waited_for(ledger: FadingLedger, reader: Reader, begin: Begin) -> None:
    """Its packets would otherwise pile up in the server; the log keeps them for it."""
    reader.waiting = BACKLOG + 1
    queued(ledger)
    feed = begin()
    assert not feed._is_over.wait(0.1)
    assert reader.packets == []
    reader.waiting = 0
    reader.until_seq(1)


def test_a_feed_ends_when_told_to(
    ledger: FadingLedger, reader: Reader, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its thread goes; also where its reader takes nothing any more."""
    monkeypatch.setattr(feed_module, "HEAD_S", 0.02)
    for waiting in (0, BACKLOG + 1):
        reader.waiting = waiting
        feed = begin()
        feed.stop()
        feed._thread.join(LIMIT_S)
        assert not feed._thread.is_alive()


class Stumbling(MemoryLedger):
    """A ledger that is away at some of the readings."""

    def __init__(self, away_at: set[int]) -> None:
        super().__init__()
        self._away_at = away_at
        self.readings = 0

    def follow(self, cursors: Mapping[str, Cursor], *, timeout_s: float) -> dict[str, LogPage]:
        self.readings += 1
        if self.readings in self._away_at:
            raise Unavailable("Redis does not answer (test)")
        return super().follow(cursors, timeout_s=timeout_s)


@pytest.mark.parametrize("away_at", [{1}, {2}, {1, 2, 3}], ids=["first", "riding", "for a while"])
def test_a_ledger_that_is_away_costs_no_event(
    reader: Reader, begin: Begin, away_at: set[int]
) -> None:
    """Also one that goes away between two readings of what rides together."""
    stumbling = Stumbling(away_at)
    lease = running(stumbling)
    begin(of=stumbling)
    reader.until_seq(2)
    ledger_write = stumbling.append(lease, 1, [OutputWritten(text="on")])
    assert ledger_write == "done"
    reader.until_seq(3)
    assert reader.seqs() == [1, 2, 3]


def restore_older(ledger: MemoryLedger) -> None:
    """Let the owner's log hold another event at its second place, and more after it."""
    log = ledger._logs[LOCAL_OWNER]
    second = log._events[1]
    log._events[1] = replace(second, at=second.at + 7)
    queued(ledger)


def test_a_ledger_restored_while_it_was_away_is_told(reader: Reader, begin: Begin) -> None:
    """It comes back with other events under numbers that were sent before."""

    class Restored(Stumbling):
        def follow(self, cursors: Mapping[str, Cursor], *, timeout_s: float) -> dict[str, LogPage]:
            if self.readings == 1:
                restore_older(self)
            return super().follow(cursors, timeout_s=timeout_s)

    ledger = Restored({2})
    queued(ledger)
    queued(ledger)
    begin(of=ledger)
    reader.until(lambda: bool(reader.of("gap")))
    assert reader.seqs() == [1, 2]
    assert reader.of("gap")[0]["seq"] == 3


def test_a_reader_of_a_log_that_was_restored_meanwhile_is_told(
    ledger: FadingLedger, reader: Reader, begin: Begin
) -> None:
    """It was not connected when that happened."""
    queued(ledger)
    queued(ledger)
    read = ledger.read(LOCAL_OWNER, Cursor()).events[1]
    restore_older(ledger)
    begin(Cursor(ledger.head(LOCAL_OWNER).epoch, read.seq, read.at))
    reader.until(lambda: bool(reader.of("gap")))
    queued(ledger)
    reader.until_seq(4)
    assert reader.seqs() == [4]


def test_much_output_goes_in_packets_of_bounded_size(
    ledger: FadingLedger, reader: Reader, begin: Begin
) -> None:
    """Whatever a slow reader lets wait in the server is bounded in bytes, not in events alone."""
    lease = running(ledger)
    text = "x" * 50_000
    for n in range(20):
        ledger.append(lease, n + 1, [OutputWritten(text=text)])
    begin()
    reader.until_seq(22)
    assert reader.seqs() == list(range(1, 23))
    assert max(len(packet["events"]) for packet in reader.of("batch")) * 50_000 <= 2 * PACKET_CHARS
