"""What a job displays reaches the notebook, live and later, on a real stack."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_until

import taskkit
from taskkit.panels import show
from taskkit.protocol.errors import JobNotFound

pytestmark = pytest.mark.stack


def draw(steps: int, pause_s: float) -> int:
    """Display a figure that changes, a table, and something large."""
    import numpy as np
    import pandas as pd
    from matplotlib.figure import Figure

    for step in range(1, steps + 1):
        figure = Figure()
        figure.subplots().plot(np.sin(np.arange(100) * step))
        taskkit.display(figure, name="wave")
        time.sleep(pause_s)
    taskkit.display(pd.DataFrame({"a": range(3)}), name="table")
    taskkit.display("the end")
    return steps


def test_figures_are_seen_while_a_job_runs_and_afterwards(stack: taskkit.LocalStack) -> None:
    """The last of each name, also by a client that comes later."""
    seen: list[bytes] = []
    with stack.client() as client:
        job = client.submit(draw, 4, 0.8)
        while not job.done():
            for figure in job.figures():
                if figure.name == "wave" and figure.data not in seen:
                    seen.append(figure.data)
            time.sleep(0.02)
        assert job.result(60) == 4
        last = job.figures()
        assert [figure.name for figure in last] == ["wave", "table", "1"]
        assert [figure.media_type for figure in last] == ["image/png", "text/html", "text/plain"]
        assert all(data.startswith(b"\x89PNG") for data in seen)
        assert len(seen) >= 2
        assert last[0].data not in seen[:-1]
        assert b"<table" in last[1].data
        assert last[2].data == b"'the end'"
    with stack.client() as client:
        assert client.job(job.id).figures() == last
        listed = next(other for other in client.jobs() if other.id == job.id)
        assert listed.record.figures == ()
        html = job._repr_html_()
    assert html is not None
    assert html.count("<figure") == 3
    assert html.count("data:image/png;base64,") == 1


def test_another_attempt_begins_with_no_figures(stack: taskkit.LocalStack, tmp_path: Path) -> None:
    """Those of the one that died are not mixed with its own."""

    def dies_once(gate: Path) -> Any:
        if os.environ["TASKKIT_ATTEMPT"] == "1":
            taskkit.display("first", name="a")
            while not gate.exists():
                time.sleep(0.02)
            os.kill(os.getpid(), signal.SIGKILL)
        taskkit.display("second", name="b")

    with stack.client() as client:
        job = client.submit(dies_once, tmp_path / "gate")
        wait_until(lambda: [figure.name for figure in job.record.figures] == ["a"])
        (tmp_path / "gate").touch()
        job.result(60)
        assert [figure.name for figure in job.record.figures] == ["b"]


def test_a_failed_and_a_cancelled_job_keep_what_they_displayed(stack: taskkit.LocalStack) -> None:
    """It may say why."""

    def displays(is_endless: bool) -> None:
        taskkit.display(b"x" * 5000, name="state")
        while is_endless:
            time.sleep(0.05)
        raise ValueError("no")

    with stack.client() as client:
        failed, cancelled = (client.submit(displays, flag) for flag in (False, True))
        wait_until(lambda: bool(cancelled.record.figures))
        cancelled.cancel()
        for job in (failed, cancelled):
            job.wait_final(60)
            [figure] = client.job(job.id).figures()
            assert figure.data.startswith(b"b'xxx")


def test_a_notebook_s_display_is_there_without_an_import(stack: taskkit.LocalStack) -> None:
    """As in a cell; a display_id is a name."""

    def shows() -> None:
        for step in range(3):
            display(step, display_id="step")  # type: ignore[name-defined]  # noqa: F821
        display("a", "b", metadata={})  # type: ignore[name-defined]  # noqa: F821

    with stack.client() as client:
        job = client.submit(shows)
        job.result(60)
        shown = [(figure.name, figure.data) for figure in job.figures()]
    assert shown == [("step", b"2"), ("1", b"'a'"), ("2", b"'b'")]


def test_pyplots_figures_are_shown_without_a_change(stack: taskkit.LocalStack) -> None:
    """As in a notebook: each that there is at `plt.show()`, which closes them."""

    def plots() -> list[int]:
        import matplotlib.pyplot as plt

        plt.plot([1, 2])
        plt.figure()
        plt.plot([2, 1])
        before = plt.get_fignums()
        plt.show()
        return [*before, *plt.get_fignums()]

    with stack.client() as client:
        job = client.submit(plots)
        assert job.result(60) == [1, 2]
        first, second = job.figures()
        assert first.data != second.data
        assert (first.media_type, first.text) == ("image/png", "<Figure size 640x480 with 1 Axes>")
        assert job.output == ""


def test_in_a_terminal_a_job_says_how_many(
    stack: taskkit.LocalStack, capsys: pytest.CaptureFixture[str]
) -> None:
    """There is no place for pictures; and an unknown job is an error as ever."""
    with stack.client() as client:
        job = client.submit(draw, 1, 0.0)
        job.result(60)
        show(job)
        with pytest.raises(JobNotFound):
            client.job("0" * 32)
    assert "3 figures" in capsys.readouterr().out
