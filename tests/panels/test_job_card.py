"""What a cell shows of one job."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser

import pytest
from panel_records import EVIL, START, lost, progress, record

from taskkit.panels import job_html, job_line
from taskkit.panels.render import QUIET_TICK_S, picture
from taskkit.protocol.jobs import (
    AttemptEnd,
    ErrorInfo,
    JobState,
    PastAttempt,
    ResultInfo,
    Table,
)
from taskkit.protocol.options import JobOptions

NOW = START + 17_400


class _Outline(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.bar: dict[str, str | None] = {}
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        if ("role", "progressbar") in attrs:
            self.bar = dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("state", list(JobState))
def test_every_state_is_told_in_words_and_in_well_formed_html(state: JobState) -> None:
    """The state's word and the task's name stand in the HTML and in the line."""
    shown = record(state, progress=progress(215), output="a\nb\n", past_attempts=(lost(),))
    outline = _Outline(job_html(shown, now_ms=NOW))
    assert not outline.open
    for text in (outline.text, job_line(shown, NOW)):
        assert state.value in text
        assert "fit" in text


@pytest.mark.parametrize("state", list(JobState))
def test_what_comes_from_the_user_is_escaped(state: JobState) -> None:
    """A script in name, message, output, worker, cause, error or result stays text."""
    shown = record(
        state,
        task=EVIL,
        worker=EVIL,
        progress=progress(1, 2, EVIL),
        output=EVIL,
        past_attempts=(lost(EVIL),),
        error=ErrorInfo(type=EVIL, message=EVIL, traceback=EVIL),
    )
    html = job_html(shown, now_ms=NOW, connection=EVIL)
    assert "script" not in _Outline(html).tags
    assert EVIL in _Outline(html).text
    result = ResultInfo(media_type="x", size_bytes=1, preview=EVIL)
    done = job_html(record(JobState.SUCCEEDED, result=result), now_ms=NOW)
    assert "script" not in _Outline(done).tags
    assert EVIL in _Outline(done).text


def test_the_same_record_at_the_same_second_gives_the_same_html() -> None:
    """Nothing in a picture changes but for the record and the whole seconds that went by."""
    shown = record(progress=progress(215))
    assert job_html(shown, now_ms=NOW) == job_html(shown, now_ms=NOW)
    waiting = record(progress=None)
    assert job_html(waiting, now_ms=NOW) == job_html(waiting, now_ms=NOW + 500)


def test_a_running_job_tells_amount_rate_time_left_and_elapsed() -> None:
    """215 of 500 in 17.4 s is 12.4 a second, and 23 s remain."""
    line = job_line(record(progress=progress(215, message="fold 3")), NOW)
    assert line == (
        "◐ fit running for 17 s · 43 % · 215 of 500 · 12.4/s · about 25 s left"
        " · on host-7-a3f0 · fold 3"
    )


def test_the_bar_says_its_value_to_screen_readers() -> None:
    """A known total has a value and a text; an unknown one has only the text."""
    known = _Outline(job_html(record(progress=progress(215)), now_ms=NOW)).bar
    assert known["aria-valuenow"] == "43"
    assert (known["aria-valuemin"], known["aria-valuemax"]) == ("0", "100")
    assert "215 of 500" in str(known["aria-valuetext"])
    unknown = _Outline(job_html(record(progress=progress(1834, None)), now_ms=NOW)).bar
    assert "aria-valuenow" not in unknown
    assert "1,834" in str(unknown["aria-valuetext"])


def test_an_unknown_total_shows_count_and_rate_but_no_percent() -> None:
    """Nobody can say how much remains."""
    line = job_line(record(progress=progress(1834, None)), NOW)
    assert "1,834 done · 105/s" in line
    assert "%" not in line
    assert "left" not in line


def test_a_hundred_percent_is_only_said_when_all_is_done() -> None:
    """499 of 500 is 99 %."""
    assert "99 %" in job_line(record(progress=progress(499)), NOW)
    assert "100 %" in job_line(record(progress=progress(500)), NOW)


def test_a_further_attempt_says_why_the_earlier_one_died() -> None:
    """The number of the attempt is shown from the second on, with the cause of each loss."""
    assert "attempt" not in _Outline(job_html(record(), now_ms=NOW)).text
    again = record(attempt=2, past_attempts=(lost(),))
    text = _Outline(job_html(again, now_ms=NOW)).text
    assert "attempt\N{NO-BREAK SPACE}2" in text
    assert "attempt 1 was lost: killed by signal 9" in text


def test_a_job_that_has_a_name_is_called_by_it() -> None:
    """In the card and in the line."""
    named = record(options=JobOptions(name="my fit"))
    assert job_line(named, NOW).startswith("◐ my fit running")
    assert ">my fit</b>" in job_html(named, now_ms=NOW)


def test_a_job_that_waits_to_be_tried_again_says_for_how_long_and_why() -> None:
    """It counts down; when the time is over it waits for a worker."""
    failed = PastAttempt(attempt=1, end=AttemptEnd.FAILED, cause="ValueError: not yet", at=NOW)
    waiting = record(JobState.QUEUED, retry_at=NOW + 4000, past_attempts=(failed,))
    assert job_line(waiting, NOW) == "○ fit queued · tries again in 4 s"
    assert "tries again in 3 s" in job_line(waiting, NOW + 1000)
    assert "waits for a worker again" in job_line(waiting, NOW + 4000)
    assert "attempt 1 failed: ValueError: not yet" in _Outline(job_html(waiting, now_ms=NOW)).text


@pytest.mark.parametrize(
    ("state", "fields", "connection", "tick_s"),
    [
        (JobState.RUNNING, {}, "", 0.6),
        (JobState.QUEUED, {"retry_at": NOW + 4000}, "", 0.6),
        (JobState.QUEUED, {"retry_at": NOW - 1}, "", QUIET_TICK_S),
        (JobState.QUEUED, {}, "", QUIET_TICK_S),
        (JobState.QUEUED, {}, "reconnecting for 3 s", 0.6),
        (JobState.SUCCEEDED, {}, "reconnecting for 3 s", math.inf),
    ],
)
def test_a_panel_looks_again_when_it_must(
    state: JobState, fields: dict[str, int], connection: str, tick_s: float
) -> None:
    """Each second where it counts, now and then where only the connection may change."""
    shown = picture("fit", [record(state, **fields)], now_ms=NOW, connection=connection)
    assert shown.tick_s == pytest.approx(tick_s)


def test_a_long_output_is_cut_and_says_so() -> None:
    """The last six lines, and how many stand above."""
    shown = record(output="".join(f"line {number}\n" for number in range(20)))
    text = _Outline(job_html(shown, now_ms=NOW)).text
    assert "14 lines above" in text
    assert "<summary>14 lines above</summary>" in job_html(shown, now_ms=NOW)
    assert "line 14\nline 15\nline 16\nline 17\nline 18\nline 19" in text


def test_a_result_that_is_a_table_is_shown_as_one() -> None:
    """Its beginning, escaped, and how large it is in all."""
    table = Table(
        columns=("", "x", EVIL),
        rows=(("0", "1.5", EVIL), ("1", "2", "")),
        all_columns=2,
        all_rows=9,
    )
    result = ResultInfo(media_type="x", size_bytes=9, preview="DataFrame", table=table)
    html = job_html(record(JobState.SUCCEEDED, result=result), now_ms=NOW)
    assert "script" not in _Outline(html).tags
    assert {"table", "th", "td"} <= _Outline(html).tags
    assert "9 rows × 2 columns" in _Outline(html).text
    assert html.count("<tr>") == 3
    assert html.count("<td>") == 4


def test_a_failed_job_shows_its_error_and_a_folded_traceback() -> None:
    """Type and message in sight, the worker's traceback in a closed <details>."""
    html = job_html(record(JobState.FAILED), now_ms=NOW)
    assert "<b>ValueError</b>: no convergence" in html
    assert re.search(r"<details><summary>.*</summary><pre[^>]*>Traceback", html)


def test_a_succeeded_job_shows_what_it_took_and_a_preview() -> None:
    """Also where it never reported progress."""
    shown = record(JobState.SUCCEEDED)
    assert job_line(shown, NOW) == "✓ fit succeeded in 42 s · on host-7-a3f0 · {'score': 0.97}"
    assert "1.83\N{NO-BREAK SPACE}kB" in job_html(shown, now_ms=NOW)


def test_a_bad_connection_is_said_while_it_matters() -> None:
    """A running job shows it; a final one does not need the connection any more."""
    assert "reconnecting" in job_html(record(), now_ms=NOW, connection="reconnecting for 12 s")
    final = record(JobState.SUCCEEDED)
    assert "reconnecting" not in job_html(final, now_ms=NOW, connection="reconnecting for 12 s")


def test_a_clock_behind_the_ledgers_shows_no_negative_time() -> None:
    """The kernel's clock may be some seconds behind the ledger's."""
    assert "for 0 s" in job_line(record(progress=progress(3)), START - 5000)
