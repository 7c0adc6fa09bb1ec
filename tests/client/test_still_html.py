"""Jobs and batches where nothing is live: `_repr_html_`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from IPython.core.formatters import DisplayFormatter
from scripted import Service

from taskkit.client.batch import Batch
from taskkit.client.items import Items
from taskkit.client.job import Job
from taskkit.panels.style import STYLE
from taskkit.protocol.jobs import JobRecord, JobState, Progress

ID = "a" * 32
RUNNING = JobRecord(
    id=ID,
    task="fit",
    state=JobState.RUNNING,
    seq=2,
    attempt=1,
    started_at=1_780_000_000_000,
    progress=Progress(done=1, total=4),
)
FINAL = replace(RUNNING, state=JobState.CANCELLED, seq=9, finished_at=1_780_000_004_000)


@pytest.fixture(autouse=True)
def _no_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TASKKIT_PROGRESS", raising=False)


def job(record: JobRecord) -> Job[Any]:
    """Return a job that stands like this."""
    made: Job[Any] = Job(Service(), record.task)
    made.accept(record)
    made.follow(record)
    return made


def batch(*records: JobRecord) -> Batch[Any]:
    """Return jobs that stand like these, as one thing."""
    return Batch("sweep", Items.alone([job(record) for record in records]), lambda: "", None)


def test_a_final_job_is_its_panel_with_its_style() -> None:
    """As the cell that shows it keeps it."""
    html = job(FINAL)._repr_html_()
    assert html is not None
    assert html.startswith(f'{STYLE}<div class="tk-still"><div class="taskkit">')
    assert "cancelled" in html
    assert 'class="tk-dated"' not in html


def test_a_job_that_runs_says_as_of_when_and_how_it_is_found_again() -> None:
    """For it stays as it is while the job goes on."""
    html = job(RUNNING)._repr_html_() or ""
    assert 'aria-valuenow="25"' in html
    assert 'class="tk-dated"' in html
    assert "as of 2" in html
    assert f"taskkit.Client().job(&#x27;{ID}&#x27;)" in html


def test_a_batch_is_its_own_panel() -> None:
    """Of all its jobs."""
    html = batch(RUNNING, FINAL)._repr_html_() or ""
    assert "sweep" in html
    assert html.count('<div class="tk-strip') == 1
    assert "taskkit.Client().reattach()" in html


@pytest.mark.parametrize("mode", ["none", "plain", " None "])
def test_where_no_html_is_wanted_there_is_none(monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    """Then whoever asks falls back on the repr."""
    monkeypatch.setenv("TASKKIT_PROGRESS", mode)
    assert job(FINAL)._repr_html_() is None
    assert batch(RUNNING, FINAL)._repr_html_() is None


@pytest.mark.parametrize("made", [job(FINAL), batch(RUNNING, FINAL)], ids=["job", "batch"])
def test_a_cell_shows_what_it_showed(made: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """IPython asks for the live display first, and then for nothing else."""
    formatter: Any = DisplayFormatter()
    assert formatter.format(made) == ({}, {})
    assert "tk-still" not in capsys.readouterr().out
