"""What a cell shows of a batch."""

from __future__ import annotations

import pytest
from panel_records import EVIL, START, progress, record

from taskkit.panels import batch_html, batch_line
from taskkit.panels.render import picture
from taskkit.panels.strip import MOST_MARKS
from taskkit.protocol.jobs import ErrorInfo, JobRecord, JobState

NOW = START + 10_000


def batch(
    *, succeeded: int = 0, failed: int = 0, running: int = 0, queued: int = 0
) -> list[JobRecord]:
    """Return so many records of each state; running ones are half done."""
    return (
        [record(JobState.SUCCEEDED, finished_at=START + 9000)] * succeeded
        + [record(JobState.FAILED, finished_at=START + 9000)] * failed
        + [record(progress=progress(1, 2))] * running
        + [record(JobState.QUEUED)] * queued
    )


def test_the_line_counts_states_and_includes_parts_of_running_jobs() -> None:
    """Of 100 jobs, 40 final and 20 half done make 50 %; 5 a second, 10 s remain."""
    records = batch(succeeded=38, failed=2, running=20, queued=40)
    assert batch_line("score", records, NOW) == (
        "◐ score running for 10 s · 100 jobs · 50 % · 38 succeeded · 2 failed"
        " · 20 running · 40 queued · 5.0 jobs/s · about 10 s left"
    )


@pytest.mark.parametrize(
    ("records", "word"),
    [
        (batch(queued=3), "queued"),
        (batch(succeeded=1, queued=2), "running"),
        (batch(succeeded=3), "succeeded"),
        (batch(succeeded=2, failed=1), "failed"),
        ([*batch(succeeded=2), record(JobState.CANCELLED)], "cancelled"),
    ],
)
def test_one_word_tells_the_state_of_all(records: list[JobRecord], word: str) -> None:
    """Running while anything is open, then the worst outcome."""
    assert batch_line("score", records, NOW).split()[2] == word


def test_a_batch_without_jobs_is_a_sentence() -> None:
    """No bar, no state: there is nothing to be done. It is final at once."""
    shown = picture("fit.ipynb", [], now_ms=NOW)
    assert shown.line == "fit.ipynb has no jobs."
    assert (
        shown.html == '<div class="taskkit"><div class="tk-note">fit.ipynb has no jobs.</div></div>'
    )
    assert shown.is_final
    evil = batch_html(EVIL, [], now_ms=NOW)
    assert "<script>" not in evil


@pytest.mark.parametrize(("jobs", "marks"), [(2, 2), (200, 200), (201, 101), (10_000, 200)])
def test_the_strip_has_a_mark_a_job_up_to_its_limit(jobs: int, marks: int) -> None:
    """Beyond it neighbours share a mark."""
    html = batch_html("score", batch(queued=jobs), now_ms=NOW)
    assert html.count("<i>") == marks
    assert marks <= MOST_MARKS


def test_one_failure_among_many_jobs_is_seen_in_the_strip() -> None:
    """A mark of 50 jobs shows the sign and the colour of the one that failed."""
    records = [*batch(succeeded=9_999), *batch(failed=1)]
    strip = batch_html("score", records, now_ms=NOW).split("tk-strip")[1]
    assert strip.count("✗") == 1
    assert strip.count("to top,#d64545 0% 34%,#2e9e5b 34%") == 1


def failed(message: str, kind: str = "ValueError") -> JobRecord:
    """Return the record of a job that failed."""
    return record(JobState.FAILED, error=ErrorInfo(type=kind, message=message, traceback="T"))


def test_each_cause_is_shown_once_the_most_frequent_first() -> None:
    """Numbers apart; with the place of the first job; tracebacks only at the end."""
    records = [
        *batch(succeeded=1),
        failed("no such file"),
        failed("no convergence after 17 steps, residual 1.5e-3"),
        failed("no convergence after 25 steps, residual 0.2\nmore"),
        *(failed(f"of another kind {letter}", "KeyError") for letter in "abc"),
        failed("no convergence after 3 steps, residual 4"),
    ]
    final = batch_html("score", records, now_ms=NOW)
    assert final.index("3 jobs, first job 2:") < final.index("job 1 <b>ValueError</b>")
    assert final.count("no convergence") == 1
    assert "after 17 steps" in final
    assert "and 2 more failed of 2 other causes" in final
    assert final.count("<details") == 3
    assert "<details" not in batch_html("score", [*records, *batch(queued=1)], now_ms=NOW)


def test_the_jobs_that_run_longest_are_told() -> None:
    """With how far they are; after the end, those that took longest; never of a few jobs."""
    slow = record(started_at=NOW - 190_000, progress=progress(1, 4))
    running = [*batch(succeeded=3, running=3), slow]
    told = batch_html("score", running, now_ms=NOW).replace("\N{NO-BREAK SPACE}", " ")
    assert "running longest: job 6 (3 min 10 s, 25 %), job 3 (10 s, 50 %), job 4 (10 s" in told
    over = [*batch(succeeded=3), record(JobState.SUCCEEDED, finished_at=START + 65_000)]
    told = batch_html("score", over, now_ms=NOW).replace("\N{NO-BREAK SPACE}", " ")
    assert "took longest: job 3 (1 min 05 s), job 0 (9 s), job 1 (9 s)" in told
    assert "longest" not in batch_html("score", batch(succeeded=2, running=1), now_ms=NOW)
    brief = record(JobState.SUCCEEDED, finished_at=START + 1000)
    assert "longest" not in batch_html("score", [brief] * 9, now_ms=NOW)


def test_the_bar_adds_up_to_what_is_done() -> None:
    """Screen readers get the number, and the segments have its length."""
    html = batch_html("score", batch(succeeded=1, failed=1, running=1, queued=1), now_ms=NOW)
    assert 'aria-valuenow="62"' in html
    assert html.count("width:25.00%") == 2
    assert html.count("width:12.50%") == 1


def test_what_comes_from_the_user_is_escaped() -> None:
    """In the title and in the errors."""
    bad = record(JobState.FAILED, error=ErrorInfo(type=EVIL, message=EVIL, traceback=EVIL))
    html = batch_html(EVIL, [bad, bad], now_ms=NOW, connection=EVIL)
    assert "<script" not in html
    assert html.count("&lt;script&gt;") > 4


def test_a_batch_of_ten_thousand_stays_small() -> None:
    """Its saved picture is under 100 kB."""
    records = batch(succeeded=5000, failed=1000, running=500, queued=3500)
    shown = picture("score", records, now_ms=NOW)
    assert len(shown.bundle()["text/html"]) < 100_000
