"""What a job says is sent as seldom as will do, and the last of it always."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from taskkit.protocol.events import (
    CurvesReported,
    Event,
    OutputWritten,
    ProgressReported,
    UsageReported,
)
from taskkit.protocol.jobs import Bar
from taskkit_worker import said as module
from taskkit_worker.said import MOST_BARS, MOST_FACTS, Said
from taskkit_worker.usage import UsageMeter

MIB = 2**20


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set what time it is."""
    now = [0.0]

    class Time:
        @staticmethod
        def monotonic() -> float:
            return now[0]

    monkeypatch.setattr(module, "time", Time)

    def set_to(moment: float) -> None:
        now[0] = moment

    return set_to


def of(kind: type[Event], events: list[Event]) -> list[Any]:
    """Return the events of one class."""
    return [event for event in events if isinstance(event, kind)]


def test_curves_are_sent_seldomer_the_longer_a_job_runs(clock: Callable[[float], None]) -> None:
    """Twice a second at first, then fifty times in each e-fold, and never less than each ten s."""
    said = Said(UsageMeter())
    sent = []
    for tenth in range(36_000):
        clock(tenth / 10)
        said.report({"loss": 1 / (tenth + 1)}, None)
        if of(CurvesReported, said.take(is_last=False)):
            sent.append(tenth / 10)
    assert len([at for at in sent if at <= 10]) in range(18, 22)
    assert len(sent) < 600
    gaps = [after - before for before, after in pairwise(sent)]
    assert min(gaps) >= 0.499
    assert max(gaps) <= 10.11


def test_facts_are_sent_in_order_and_all_at_the_end(clock: Callable[[float], None]) -> None:
    """A few in each look; of too many that wait, the latest."""
    said = Said(UsageMeter())
    clock(0.1)
    for n in range(10):
        said.say(OutputWritten(text=str(n)))
    first = said.take(is_last=False)
    assert [event.text for event in of(OutputWritten, first)] == list("0123")
    rest = [said.take(is_last=True) for _ in range(3)]
    assert [event.text for event in of(OutputWritten, [*rest[0], *rest[1]])] == list("456789")
    assert rest[-1] == []
    for n in range(MOST_FACTS + 3):
        said.say(OutputWritten(text=str(n)))
    assert said.take(is_last=True)[0] == OutputWritten(text="3")


def test_the_last_value_is_sent_at_the_end(clock: Callable[[float], None]) -> None:
    """Whenever that is; what has not changed is not sent again."""
    said = Said(UsageMeter())
    clock(0.1)
    said.report({"loss": 2.0}, None)
    assert of(CurvesReported, said.take(is_last=False)) == []
    [event] = said.take(is_last=True)
    assert isinstance(event, CurvesReported)
    assert event.curves[0].y == (2,)
    assert said.take(is_last=True) == []


def test_a_short_job_says_nothing_of_its_usage(clock: Callable[[float], None]) -> None:
    """One of more than a second does, at its end again."""
    said = Said(UsageMeter())
    clock(0.9)
    assert said.take(is_last=True) == []
    clock(0.0)
    said = Said(UsageMeter())
    clock(1.1)
    assert len(of(UsageReported, said.take(is_last=False))) == 1
    assert of(UsageReported, said.take(is_last=False)) == []
    assert len(of(UsageReported, said.take(is_last=True))) == 1
    assert said.take(is_last=True) == []


def test_the_outermost_loop_is_the_jobs() -> None:
    """Unless the job says itself how far it is."""
    said = Said(UsageMeter())
    said.bar(0, "epochs", 1, 3, is_over=False)
    said.bar(1, "batches", 5, None, is_over=False)
    batches = Bar(name="batches", done=5)
    assert said.take(is_last=False) == [
        ProgressReported(done=1, total=3, message="epochs", bars=(batches,))
    ]
    assert said.take(is_last=False) == []
    said.progress(7, 9, "mine")
    epochs = Bar(name="epochs", done=1, total=3)
    assert said.take(is_last=False) == [
        ProgressReported(done=7, total=9, message="mine", bars=(epochs, batches))
    ]


def test_loops_that_are_over_make_room() -> None:
    """Those that go on stay."""
    said = Said(UsageMeter())
    said.bar(0, "epochs", 0, 99, is_over=False)
    for number in range(1, 30):
        said.bar(number, f"batches {number}", 1, 1, is_over=True)
    [event] = said.take(is_last=False)
    assert isinstance(event, ProgressReported)
    assert event.message == "epochs"
    assert [bar.name for bar in event.bars] == [f"batches {n}" for n in range(25, 30)]
    assert len(event.bars) == MOST_BARS - 1


def test_more_loops_than_are_shown_are_left_out() -> None:
    """Where none is over; a loop that is dropped makes room."""
    said = Said(UsageMeter())
    for number in range(2 * MOST_BARS):
        said.bar(number, str(number), 0, 1, is_over=False)
    said.drop_bar(0)
    said.drop_bar(99)
    said.bar(50, "50", 0, 1, is_over=False)
    [event] = said.take(is_last=False)
    assert isinstance(event, ProgressReported)
    assert [event.message, *(bar.name for bar in event.bars)] == ["1", "2", "3", "4", "5", "50"]


def test_threads_may_have_bars_of_their_own() -> None:
    """No call of theirs raises, whatever the others do."""
    said = Said(UsageMeter())
    errors: list[BaseException] = []

    def work(first: int) -> None:
        try:
            for number in range(first, first + 3000):
                said.bar(number, "loop", 0, 1, is_over=False)
                said.bar(number, "loop", 1, 1, is_over=True)
                if number % 3 == 0:
                    said.drop_bar(number)
        except BaseException as error:  # noqa: BLE001 - of a thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(10_000 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        said.take(is_last=False)
    assert errors == []


def test_usage_counts_the_children_and_keeps_the_peak() -> None:
    """A child that holds 60 MiB and works for half a second is part of what is taken."""
    meter = UsageMeter()
    meter.begin()
    before = meter.measure()
    code = (
        "import sys, time\n"
        "held, end = b'x' * (60 * 2**20), time.process_time() + 0.5\n"
        "while time.process_time() < end: pass\n"
        "print(flush=True); sys.stdin.read()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe) as child:
        assert child.stdout is not None
        child.stdout.readline()
        while_held = meter.measure()
        child.communicate()
    after = meter.measure()
    assert while_held.memory_bytes > before.memory_bytes + 60 * MIB
    assert while_held.cores > 0.1
    assert after.memory_bytes < while_held.memory_bytes - 50 * MIB
    assert after.peak_bytes == while_held.peak_bytes == while_held.memory_bytes


def test_usage_is_that_of_an_attempt() -> None:
    """The peak of the one before does not count, nor does its work."""
    meter = UsageMeter()
    meter.begin()
    held = bytearray(os.urandom(1) * (40 * MIB))
    peak = meter.measure().peak_bytes
    del held
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    meter.begin()
    time.sleep(0.6)
    usage = meter.measure()
    assert usage.peak_bytes < peak - 30 * MIB
    assert usage.cores < 0.5
