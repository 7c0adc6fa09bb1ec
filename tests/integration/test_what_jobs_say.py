"""Curves, bars and usage of a job reach the notebook, live and later, on a real stack."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_until

import taskkit
from taskkit.panels import job_html
from taskkit.protocol.jobs import Bar, Progress

pytestmark = pytest.mark.stack

MIB = 2**20


def train(epochs: int, batches: int, gate: Path) -> int:
    """Report as a training does, for about two seconds and until there is a file."""
    from tqdm.auto import tqdm, trange

    held = bytearray(b"x" * (80 * MIB))
    for epoch in tqdm(range(epochs), desc="epochs"):
        for batch in trange(batches, desc="batches", leave=False):
            time.sleep(2.0 / epochs / batches)
            taskkit.report(loss=1 / (1 + epoch * batches + batch))
        taskkit.report(score=epoch / epochs, step=epoch)
    while not gate.exists():
        time.sleep(0.02)
    return len(held)


def test_a_training_is_seen_while_it_runs_and_afterwards(
    stack: taskkit.LocalStack, tmp_path: Path
) -> None:
    """The job's bar is the outer loop's; a client that comes later sees the same."""
    seen: list[Progress] = []
    with stack.client() as client:
        job = client.submit(train, 4, 50, tmp_path / "gate")
        job.on_progress(seen.append)
        wait_until(lambda: len(job.record.curves) == 2)
        assert not job.done()
        (tmp_path / "gate").touch()
        job.result(60)
        record = job.record
    inner = [bar for progress in seen for bar in progress.bars]
    assert {progress.message for progress in seen} == {"epochs"}
    assert {progress.total for progress in seen} == {4}
    assert inner
    assert all(bar == Bar(name="batches", done=bar.done, total=50) for bar in inner)
    loss, score = record.curves
    assert (loss.name, loss.x[0], loss.x[-1], loss.y[0], loss.y[-1]) == ("loss", 1, 200, 1, 0.005)
    assert (score.name, score.x, score.y) == ("score", (0, 1, 2, 3), (0, 0.25, 0.5, 0.75))
    assert record.usage is not None
    assert record.usage.peak_bytes > 80 * MIB
    assert record.output == ""
    with stack.client() as client:
        assert client.job(job.id).record == record
        listed = next(other for other in client.jobs() if other.id == job.id)
        assert listed.record.usage == record.usage
    html = job_html(record, now_ms=0)
    assert "<b>loss</b> 0.005" in html
    assert html.count("<svg") == 2


def test_another_attempt_begins_with_nothing_said(
    stack: taskkit.LocalStack, tmp_path: Path
) -> None:
    """What the one that died had reported is not mixed with it."""

    def dies_once(gate: Path) -> Any:
        attempt = int(os.environ["TASKKIT_ATTEMPT"])
        if attempt == 1:
            taskkit.report(first=1.0)
            while not gate.exists():
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGKILL)
        taskkit.report(second=2.0)

    with stack.client() as client:
        job = client.submit(dies_once, tmp_path / "gate")
        wait_until(lambda: [curve.name for curve in job.record.curves] == ["first"])
        (tmp_path / "gate").touch()
        job.result(60)
        assert [curve.name for curve in job.record.curves] == ["second"]
        assert [curve.name for curve in client.job(job.id).record.curves] == ["second"]
