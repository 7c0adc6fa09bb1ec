"""Jobs as rows, and one of them as a card."""

from __future__ import annotations

from typing import Any

import pytest
from cli_records import NOW, START, record

from taskkit.cli.card import card, joined
from taskkit.cli.listing import COLUMNS, beneath, moment, note, rows
from taskkit.protocol.jobs import (
    AttemptEnd,
    Bar,
    Curve,
    ErrorInfo,
    Figure,
    JobRecord,
    JobState,
    PastAttempt,
    Progress,
    ResultInfo,
    Table,
    Usage,
)
from taskkit.protocol.options import JobOptions

TRACE = (
    "Traceback (most recent call last):\n"
    '  File "/home/ada/fit.py", line 3, in fit\n    model.fit(x)\n'
    '  File "/env/lib/python3.12/site-packages/sklearn/base.py", line 9, in fit\n    check(x)\n'
    "ValueError: no convergence\nafter 17 steps\n"
)


def cells(shown: JobRecord) -> dict[str, str]:
    [row] = rows([shown], NOW)
    return {
        column.heading: str(cell)
        for column, cell in zip(COLUMNS, row, strict=True)
        if column.heading != "submitted"
    }


def text(shown: JobRecord) -> str:
    return "\n".join(line.plain for line in card(shown, NOW, 76))


def test_a_running_job_says_how_far_it_is_and_where() -> None:
    """In a row."""
    progress = Progress(done=31, total=50, message="epoch 3")
    assert cells(record(progress=progress)) == {
        "id": "3f2a9c1e",
        "name": "fit",
        "state": "◐ running",
        "done": "62 %",
        "took": "1 min 05 s",
        "worker": "lab-7-a3f0",
        "note": "epoch 3",
    }


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (record(JobState.FAILED), "ValueError: no convergence"),
        (record(JobState.SUCCEEDED), "→ {'score': 0.97}"),
        (record(JobState.QUEUED), "waits for a worker"),
        (record(JobState.QUEUED, after=("a", "b")), "waits for 2 jobs, then a worker"),
        (record(JobState.CANCELLED), ""),
    ],
)
def test_a_note_is_what_is_most_worth_knowing(shown: JobRecord, told: str) -> None:
    """In one line."""
    assert note(shown, NOW).plain == told


def test_what_must_not_be_missed_stands_below_a_narrow_row() -> None:
    """Not that a job waits as all do, nor what one returned."""
    shown = [record(state) for state in JobState]
    assert [str(text or "") for text in beneath(shown, NOW)] == [
        *("", "", "", "ValueError: no convergence", "")
    ]


@pytest.mark.parametrize(("days", "pattern"), [(0, ":"), (3, " "), (400, "-")])
def test_a_moment_is_told_as_short_as_it_can_be(days: int, pattern: str) -> None:
    """Today by the clock, this year by the day, else by the date."""
    told = moment(START, START + days * 86_400_000)
    assert pattern in told
    assert len(told) <= 12


def test_a_card_tells_all_that_a_panel_does() -> None:
    """Of a job that runs for the second time."""
    told = text(
        record(
            attempt=2,
            progress=Progress(
                done=31,
                total=50,
                message="fitting",
                bars=(Bar(name="batches", done=3, total=9),),
            ),
            curves=(Curve(name="loss", x=(0, 1), y=(0.5, 0.25)),),
            figures=(Figure(name="fit", media_type="image/png", size_bytes=12_000, text="a plot"),),
            usage=Usage(memory_bytes=2 * 10**8, peak_bytes=3 * 10**8, cores=0.98),
            past_attempts=(
                PastAttempt(attempt=1, end=AttemptEnd.LOST, cause="out of memory", at=0),
            ),
            options=JobOptions(name="parabola", session="/home/ada/fit.ipynb", retries=2),
            output="".join(f"line {n}\n" for n in range(30)),
        )
    )
    for part in (
        "◐ parabola  running for 1 min 05 s",
        "62 %",
        "31 of 50 · ",
        "on lab-7-a3f0",
        "200 MB",
        "batches 3 of 9",
        "fitting",
        "! attempt 1 was lost: out of memory",
        "task       fit",
        "notebook   /home/ada/fit.ipynb",
        "options    2 retries",
        "curves     loss 0.25",
        "figures    fit  a plot (image/png, 12 kB)",
        "… 20 lines above: taskkit output 3f2a9c1e",
        "│ line 20\n│ line 21",
    ):
        assert part in told


def test_an_error_is_told_once_below_its_traceback_with_libraries_folded() -> None:
    """As a panel folds them."""
    error = ErrorInfo(type="ValueError", message="no convergence\nafter 17 steps", traceback=TRACE)
    told = text(record(JobState.FAILED, error=error))
    assert "… 1 frame in sklearn" in told
    assert "base.py" not in told
    assert told.count("no convergence") == 1
    assert told.index("model.fit(x)") < told.index("ValueError: no convergence\nafter 17 steps")


def test_a_table_is_shown_with_its_size() -> None:
    """As its first rows."""
    table = Table(columns=("", "a"), rows=(("0", "7"),), all_columns=1, all_rows=100)
    info = ResultInfo(media_type="x", size_bytes=9, table=table)
    assert "0  7\n100 rows × 1 columns" in text(record(JobState.SUCCEEDED, result=info))


EVIL = "\x1b[2J\x1b]0;x\x07[bold]\nnext"


@pytest.mark.parametrize("state", list(JobState))
def test_nothing_of_a_users_controls_the_terminal(state: JobState) -> None:
    """Whatever it is that holds it; and markup stays what was written."""
    fields: dict[str, Any] = {"task": EVIL, "output": EVIL, "worker": EVIL}
    fields["progress"] = Progress(done=1, total=2, message=EVIL, bars=(Bar(name=EVIL, done=1),))
    fields["figures"] = (Figure(name=EVIL, media_type="x", size_bytes=1, text=EVIL),)
    if state is JobState.FAILED:
        fields["error"] = ErrorInfo(type=EVIL, message=EVIL, traceback=EVIL)
    if state is JobState.SUCCEEDED:
        fields["result"] = ResultInfo(media_type="x", size_bytes=1, preview=EVIL)
    shown = record(state, **fields)
    [row] = rows([shown], NOW)
    told = text(shown) + "".join(map(str, row))
    assert "\x1b" not in told
    assert "\x07" not in told
    assert "[bold]" in told


def test_facts_are_put_into_lines_whole() -> None:
    """One that is longer than a line has its own."""
    assert joined(["3 of 5", "1.2/s", "on host"], 16) == ["3 of 5 · 1.2/s", "on host"]
    assert joined(["a" * 30, "b"], 16) == ["a" * 30, "b"]
    assert joined([], 16) == []
