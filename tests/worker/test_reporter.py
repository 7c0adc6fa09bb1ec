"""What a running attempt says arrives: seldom enough, in order, and the last of it always."""

from __future__ import annotations

import math
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import taskkit
from taskkit.blobs import FolderStore, digest_of
from taskkit.ledger import JobRef, Lease, Write
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.events import (
    CurvesReported,
    Event,
    FiguresDisplayed,
    OutputWritten,
    ProgressReported,
    UsageReported,
)
from taskkit.protocol.spec import JobSpec
from taskkit.travel.chunks import RELEASED, Blocks
from taskkit_worker.outcome import told
from taskkit_worker.owned_blobs import OwnedBlobs
from taskkit_worker.reporter import INTERVAL_S, LOOK_S, Reporter

LIMIT_S = 5.0


class Appending(MemoryLedger):
    """Counts appends, and can fail them before or after they are done."""

    def __init__(self) -> None:
        super().__init__()
        self.appends = 0
        self.is_away = False
        self.loses_replies = 0
        self.was_asked = threading.Event()

    def append(self, lease: Lease, number: int, events: Sequence[Event]) -> Write:
        self.appends += 1
        try:
            if self.is_away:
                raise Unavailable("Redis does not answer (test)")
            answer = super().append(lease, number, events)
            if self.loses_replies > 0:
                self.loses_replies -= 1
                raise Unavailable("the reply was lost (test)")
            return answer
        finally:
            self.was_asked.set()

    def until_asked(self) -> None:
        """Return after the next append."""
        self.was_asked.clear()
        assert self.was_asked.wait(LIMIT_S)

    def said(self, kind: type[Event]) -> list[Any]:
        """Return the events of one kind that arrived."""
        events = self.read("ada", Cursor(), limit=100_000).events
        return [event for event in events if isinstance(event, kind)]

    @property
    def text(self) -> str:
        """The output that arrived."""
        return "".join(event.text for event in self.said(OutputWritten))


@pytest.fixture
def ledger() -> Appending:
    """An empty one."""
    return Appending()


@pytest.fixture
def lease(ledger: Appending) -> Lease:
    """The right to write for one attempt."""
    [made] = ledger.submit("ada", [("k", JobSpec(task="fit"))])
    claim = ledger.claim(JobRef("ada", made.record.id), worker="w", pid=1)
    assert claim is not None
    return claim.lease


class Blobs(OwnedBlobs):
    """Can be away."""

    is_away = False

    def of(self, owner: str) -> FolderStore:
        store = super().of(owner)
        assert isinstance(store, FolderStore)
        write = store.write

        def write_if_there(digest: str, content: Any) -> None:
            if self.is_away:
                raise Unavailable("the store does not answer (test)")
            write(digest, content)

        store.write = write_if_there  # type: ignore[method-assign]
        return store


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    """An empty folder for each owner."""
    return Blobs(str(tmp_path / "blobs"), tmp_path / "cache")


@pytest.fixture
def reporter(ledger: Appending, blobs: Blobs) -> Reporter:
    """One that reports to it."""
    return Reporter(ledger, blobs)


def test_many_reports_become_few_events(
    reporter: Reporter, ledger: Appending, lease: Lease
) -> None:
    """Ten a second at most and one at the end, the last that there was."""
    began = time.monotonic()
    with reporter.reporting(lease):
        done = 0
        while done < 100_000 or time.monotonic() - began < 3.5 * INTERVAL_S:
            done += 1
            taskkit.progress(done, 1_000_000, "counting")
    assert reporter.flush()
    took_s = time.monotonic() - began
    events = ledger.said(ProgressReported)
    assert 3 <= len(events) <= took_s / INTERVAL_S + 2
    assert (events[-1].done, events[-1].total, events[-1].message) == (done, 1_000_000, "counting")


def test_all_that_a_job_says_is_sent_by_its_end(
    reporter: Reporter, ledger: Appending, lease: Lease
) -> None:
    """And the end comes: once nothing is left, nothing more is made."""
    began = time.monotonic()
    with reporter.reporting(lease):
        while time.monotonic() < began + 1.3:
            taskkit.report(loss=1.0)
        taskkit.report(loss=0.25)
    assert reporter.flush()
    assert ledger.said(CurvesReported)[-1].curves[0].y[-1] == 0.25
    took_s = time.monotonic() - began
    assert 1 <= len(ledger.said(CurvesReported)) <= took_s + 3
    assert 1 <= len(ledger.said(UsageReported)) <= took_s + 1
    before = ledger.appends
    assert reporter.flush()
    assert ledger.appends == before


@pytest.fixture
def look(reporter: Reporter, ledger: Appending, lease: Lease) -> Iterator[Callable[[float], bool]]:
    """Look at a time of the test's, without a thread; return whether a report went."""
    reporter._lease = lease
    reporter._tried_at = 0.0
    reporter._is_running.set()

    def look_at(now: float) -> bool:
        before = len(ledger.said(ProgressReported))
        reporter._look(now)
        return len(ledger.said(ProgressReported)) > before

    with reporter._output.capturing():
        yield look_at


def test_a_value_that_stays_is_not_held_back(
    reporter: Reporter, look: Callable[[float], bool]
) -> None:
    """It goes at the second look; what changes at every look, eight times a second."""
    sent = []
    for now in (n * LOOK_S for n in range(1, 401)):
        if now < 2.0:
            reporter._said.progress(now, None, "")
        if look(now):
            sent.append(now)
    changing = [now for now in sent if now < 2.0]
    assert len(changing) == 15
    [last] = sent[len(changing) :]
    assert last - 2.0 < 3 * LOOK_S


def test_a_silent_task_is_heard_at_once(reporter: Reporter, look: Callable[[float], bool]) -> None:
    """That it was looked for nothing takes nothing of what may be sent in a second."""
    assert not any(look(n * LOOK_S) for n in range(1, 1000))
    for now in range(10, 15):
        reporter._said.progress(now, None, "")
        assert [look(now + n * LOOK_S) for n in range(3)].count(True) == 1


def test_a_chunk_that_makes_no_more_calls_says_so_once(
    reporter: Reporter, ledger: Appending, lease: Lease
) -> None:
    """Before whatever the call itself reports; the next job's chunk says it again."""

    def call(number: int) -> int:
        if number == 1:
            taskkit.progress(7, 10, "within the call")
            time.sleep(0.3)
        return number

    calls = [(n,) for n in range(5)]
    chunk = Blocks(calls, lambda some: pickle.dumps(list(some))).chunk(0, 5, 0.05)
    for _ in range(2):
        before = len(ledger.said(ProgressReported))
        with reporter.reporting(lease):
            reporter._number = before  # one lease for both
            assert chunk.run(call, pickle.loads, told).values == [0, 1]
        assert reporter.flush()
        said = [event for event in ledger.said(ProgressReported)[before:] if event.total == 2]
        assert [(event.done, event.message) for event in said] == [(1, RELEASED)]


def test_nothing_is_sent_more_often_than_it_may_be(
    reporter: Reporter, look: Callable[[float], bool]
) -> None:
    """However often it comes to rest."""
    sent = 0
    for now in (n * LOOK_S for n in range(1, 1001)):
        if round(now / LOOK_S) % 3 == 0:
            reporter._said.progress(now, None, "")
        sent += look(now)
    assert 80 <= sent <= 101


@pytest.mark.alone
def test_a_report_costs_about_a_microsecond(reporter: Reporter, lease: Lease) -> None:
    """Ten at most, on a machine that does other things besides."""
    with reporter.reporting(lease):
        best_s = min(_time_of(10_000) for _ in range(5))
    assert best_s / 10_000 < 10e-6


def _time_of(times: int) -> float:
    began = time.perf_counter()
    for n in range(times):
        taskkit.progress(n, times)
    return time.perf_counter() - began


def test_what_is_said_arrives_while_the_job_runs(
    reporter: Reporter, ledger: Appending, lease: Lease
) -> None:
    """Output before the progress that came with it."""
    with reporter.reporting(lease):
        os.write(1, b"a line\n")
        taskkit.progress(1, 2)
        ledger.until_asked()
        assert ledger.text == "a line\n"
        assert [event.done for event in ledger.said(ProgressReported)] == [1]


def test_a_silent_job_writes_nothing(reporter: Reporter, ledger: Appending, lease: Lease) -> None:
    """No event, no question to the ledger."""
    with reporter.reporting(lease):
        pass
    assert reporter.flush()
    assert ledger.appends == 0


def test_long_output_arrives_whole(reporter: Reporter, ledger: Appending, lease: Lease) -> None:
    """In events of a bounded size."""
    lines = "".join(f"line {n} grüße\n" for n in range(20_000))
    with reporter.reporting(lease):
        written = 0
        while written < len(lines.encode()):
            written += os.write(1, lines.encode()[written:])
    assert reporter.flush()
    assert ledger.text == lines
    assert all(len(event.text) <= 65_536 for event in ledger.said(OutputWritten))


def test_a_ledger_that_is_away_costs_nothing_said(
    reporter: Reporter, ledger: Appending, lease: Lease
) -> None:
    """It all arrives later, in order and once."""
    ledger.is_away = True
    with reporter.reporting(lease):
        for n in range(3):
            os.write(1, f"line {n}\n".encode())
            taskkit.progress(n, 3)
            ledger.until_asked()
        with pytest.raises(Unavailable):
            reporter.flush()
    with pytest.raises(Unavailable):
        reporter.flush()
    ledger.is_away = False
    assert reporter.flush()
    assert ledger.text == "line 0\nline 1\nline 2\n"
    assert ledger.said(ProgressReported)[-1].done == 2


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_lost_reply_doubles_nothing(
    reporter: Reporter, ledger: Appending, lease: Lease, lost: int
) -> None:
    """What may have arrived is sent again as it was, and known again by its number."""
    ledger.loses_replies = lost
    with reporter.reporting(lease):
        for n in range(4):
            os.write(1, f"line {n}\n".encode())
            ledger.until_asked()
    while True:
        try:
            assert reporter.flush()
            break
        except Unavailable:
            continue
    assert ledger.text == "line 0\nline 1\nline 2\nline 3\n"


def test_a_fenced_attempt_says_no_more(reporter: Reporter, ledger: Appending, lease: Lease) -> None:
    """The ledger is not asked again and again; the flush tells."""
    ledger.cancel(lease.ref)
    with reporter.reporting(lease):
        os.write(1, b"too late\n")
        ledger.until_asked()
        asked = ledger.appends
        os.write(1, b"still there\n")
        assert not threading.Event().wait(2.5 * INTERVAL_S)
        assert ledger.appends == asked
    assert not reporter.flush()
    assert ledger.text == ""


def test_the_next_attempt_reports_as_the_first(
    reporter: Reporter, ledger: Appending, lease: Lease
) -> None:
    """After one that was fenced, with numbers of its own."""
    ledger.lose(lease, "killed (test)")
    with reporter.reporting(lease):
        os.write(1, b"old\n")
        taskkit.progress(1)
    assert not reporter.flush()
    claim = ledger.claim(lease.ref, worker="w", pid=1)
    assert claim is not None
    with reporter.reporting(claim.lease):
        os.write(1, b"new\n")
    assert reporter.flush()
    assert ledger.text == "new\n"
    assert ledger.said(ProgressReported) == []


@pytest.mark.parametrize(
    ("report", "told"),
    [
        ((np.float64(1.5), np.int64(3)), (1.5, 3, "")),
        ((np.int32(2), 4.0), (2, 4, "")),
        ((1, math.inf), (1, None, "")),
        ((1, math.nan), (1, None, "")),
        ((1, "many"), (1, None, "")),
        ((1, 2, "caf\udce9"), (1, 2, "caf\\udce9")),
        ((1, 2, 7), (1, 2, "7")),
        ((1, 2, "x" * 600), (1, 2, "x" * 500)),
    ],
    ids=["numpy", "whole", "endless", "nan", "words", "half a pair", "number", "long"],
)
def test_whatever_is_reported_is_told_as_plain_json(
    reporter: Reporter, ledger: Appending, lease: Lease, report: Any, told: Any
) -> None:
    """Numbers of NumPy as Python's; what is no number as unknown."""
    with reporter.reporting(lease):
        taskkit.progress(*report)
    assert reporter.flush()
    [event] = ledger.said(ProgressReported)
    assert (event.done, event.total, event.message) == told
    assert (type(event.done), type(event.total)) == (type(told[0]), type(told[1]))


@pytest.mark.parametrize("done", [math.nan, math.inf, "x", None, 10**400])
def test_a_report_that_says_nothing_is_passed_over(
    reporter: Reporter, ledger: Appending, lease: Lease, done: Any
) -> None:
    """It harms neither the job nor what it prints."""
    with reporter.reporting(lease):
        os.write(1, b"printed\n")
        taskkit.progress(done, 3)
    assert reporter.flush()
    assert ledger.said(ProgressReported) == []
    assert ledger.text == "printed\n"


class Picture:
    """Is as large as it is told to be."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def _repr_png_(self) -> bytes:
        return self._data


def test_figures_arrive_and_the_last_of_each_name(
    reporter: Reporter, ledger: Appending, lease: Lease
) -> None:
    """At most one write a second, whatever the job displays."""
    began = time.monotonic()
    with reporter.reporting(lease):
        for number in range(300):
            taskkit.display(Picture(b"%04d" % number * 1000), name="map")
            time.sleep(0.002)
    assert reporter.flush()
    took_s = time.monotonic() - began
    [figure] = ledger.said(FiguresDisplayed)[-1].figures
    assert (figure.name, figure.size_bytes) == ("map", 4000)
    assert figure.digest == digest_of(b"0299" * 1000)
    assert len(ledger.said(FiguresDisplayed)) <= took_s + 3


def test_nothing_is_lost_while_figures_cannot_be_kept(
    reporter: Reporter, ledger: Appending, blobs: Blobs, lease: Lease
) -> None:
    """Output and progress wait for the store, and come whole when it is back."""
    blobs.is_away = True
    with reporter.reporting(lease):
        os.write(1, b"before\n")
        taskkit.display(Picture(b"x" * 5000))
        taskkit.progress(1, 2)
        time.sleep(3 * INTERVAL_S)
        os.write(1, b"after\n")
        taskkit.progress(2, 2)
    with pytest.raises(Unavailable):
        reporter.flush()
    blobs.is_away = False
    assert reporter.flush()
    assert ledger.text == "before\nafter\n"
    assert ledger.said(ProgressReported)[-1].done == 2
    [event] = ledger.said(FiguresDisplayed)
    assert event.figures[0].digest == digest_of(b"x" * 5000)
