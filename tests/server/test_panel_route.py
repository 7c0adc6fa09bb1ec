"""A job's panel, as the page gets it."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from html import unescape
from html.parser import HTMLParser

import pytest
from serving import FadingLedger, Http, failed, problem, queued, running, succeeded

from taskkit.ledger import JobRef
from taskkit.ledger.memory import MemoryLedger
from taskkit.panels import job_html
from taskkit.protocol.events import (
    FiguresDisplayed,
    JobFailed,
    OutputWritten,
    ProgressReported,
)
from taskkit.protocol.jobs import ErrorInfo, Figure, JobRecord
from taskkit.protocol.spec import LOCAL_OWNER, JobSpec
from taskkit_server.routes.page import POLICY
from taskkit_server.routes.panels import MOST_PACES, Panels

NOW = 1_780_000_000_000
HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(1)>" onclick="alert(1)'


class Tags(HTMLParser):
    """The tags of a piece of HTML, and what their attributes are called."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}


def record_of(ledger: MemoryLedger, ref: JobRef) -> JobRecord:
    """Return the job's record."""
    record = ledger.job(ref)
    assert record is not None
    return record


def said(html: str) -> dict[str, str]:
    """Return what the element around the panel tells programs."""
    tag = re.match(r'<div class="job"([^>]*)>', html)
    assert tag is not None
    return dict(re.findall(r'data-([\w-]+)="([^"]*)"', tag[1]))


def test_a_panel_is_the_notebooks_own(http: Http, ledger: FadingLedger) -> None:
    """The same function draws it; around it is one element, beside it no style sheet."""
    ref = succeeded(ledger, b'"yes"')
    response = http.get(f"/jobs/{ref.id}/panel")
    assert response.content_type == "text/html; charset=utf-8"
    record = record_of(ledger, ref)
    assert job_html(record, now_ms=record.finished_at or 0) in response.text
    assert response.text.count("<div") == response.text.count("</div>")
    assert "<style" not in response.text
    assert said(response.text) == {"state": "succeeded", "seq": str(record.seq)}


def test_a_panel_says_when_it_looks_different(http: Http, ledger: FadingLedger) -> None:
    """A running job's does within the second; a final one's never, and tells no time."""
    lease = running(ledger)
    facts = said(http.get(f"/jobs/{lease.ref.id}/panel").text)
    assert facts["state"] == "running"
    assert 0 <= int(facts["tick-ms"]) <= 1000
    facts = said(http.get(f"/jobs/{failed(ledger).id}/panel").text)
    assert (facts["state"], "tick-ms" in facts) == ("failed", False)


def test_a_panel_comes_under_the_pages_policy(http: Http, ledger: FadingLedger) -> None:
    """Also where somebody opens it by itself, nothing in it is run."""
    headers = http.get(f"/jobs/{queued(ledger).id}/panel").headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_what_users_write_is_text(http: Http, ledger: FadingLedger) -> None:
    """In the task's name, its message and its output there are no tags of theirs."""
    [made] = ledger.submit(LOCAL_OWNER, [("key", JobSpec(task=HOSTILE))])
    claim = ledger.claim(JobRef(LOCAL_OWNER, made.record.id), worker="lab-7-1f", pid=70)
    assert claim is not None
    message = ProgressReported(done=1, total=2, message=HOSTILE)
    ledger.append(claim.lease, 1, [message, OutputWritten(text=f"{HOSTILE}\n" * 9)])
    html = http.get(f"/jobs/{made.record.id}/panel").text
    tags = Tags(html)
    assert html.count("alert(1)") > 10
    assert tags.found <= {"div", "span", "b", "pre", "button", "details", "summary"}
    assert {name for name in tags.attributes if name.startswith("on")} == {"onclick"}
    assert re.findall(r'onclick="([^"]*)"', html)[0].startswith("navigator.clipboard")


def test_a_panel_tells_of_figures_and_carries_no_picture(http: Http, ledger: FadingLedger) -> None:
    """What they are, and where; escaped, and also of a job that failed."""
    lease = running(ledger)
    large = Figure(name=HOSTILE, media_type="image/png", size_bytes=9999, digest="ab", text=HOSTILE)
    small = Figure(
        name="2", media_type="text/plain", size_bytes=3, inline="YWJj", text="it's \ud800"
    )
    ledger.append(lease, 1, [FiguresDisplayed(figures=(large, small))])
    ledger.finish(lease, JobFailed(error=ErrorInfo(type="ValueError", message="no")), None)
    html = http.get(f"/jobs/{lease.ref.id}/panel").text
    told = json.loads(unescape(said(html)["figures"]))
    assert told == [asdict(large), asdict(small)]
    assert not Tags(html).found & {"img", "script"}
    assert "alert(1)" not in re.sub(r'data-figures="[^"]*"', "", html)


@pytest.mark.parametrize("id", ["0" * 32, "nothing", "%3Cb%3E"])
def test_an_unknown_job_has_no_panel(http: Http, id: str) -> None:
    """In the words of the other routes."""
    problem(http.get(f"/jobs/{id}/panel"), 404, "job_not_found")


def test_anothers_job_has_no_panel(http: Http, ledger: FadingLedger) -> None:
    """Nor is it told that there is one."""
    problem(http.get(f"/jobs/{queued(ledger, owner='eve').id}/panel"), 404, "job_not_found")


def test_while_redis_is_away_there_is_no_panel(http: Http, ledger: FadingLedger) -> None:
    """But a word when to ask again."""
    ref = queued(ledger)
    ledger.is_away = True
    response = http.get(f"/jobs/{ref.id}/panel")
    problem(response, 503, "unavailable")
    assert "Retry-After" in response.headers


def test_an_estimate_counts_down_between_reports(ledger: FadingLedger) -> None:
    """What was seen before is remembered; a panel by itself would take silence for slowness."""
    lease = running(ledger)
    begun = record_of(ledger, lease.ref).started_at or 0
    clock = iter([begun + ms for ms in (10_000, 20_000, 25_000)])
    panels = Panels(lambda: next(clock))
    left = []
    for done in (10, 20, 20):
        ledger.append(lease, done, [ProgressReported(done=done, total=100)])
        html = panels.html(lease.ref, record_of(ledger, lease.ref))
        left.append(re.findall(r"about.(.*?).left", html)[0])
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in left] == [
        "1 min 30 s",
        "1 min 20 s",
        "1 min 20 s",
    ]


def test_a_server_remembers_the_pace_of_so_many_jobs_and_no_final_one(
    ledger: FadingLedger,
) -> None:
    """Whatever is looked at, it takes no more memory."""
    panels = Panels(lambda: NOW)
    lease = running(ledger)
    ledger.append(lease, 1, [ProgressReported(done=1, total=2)])
    record = record_of(ledger, lease.ref)
    for number in range(MOST_PACES + 10):
        panels.html(JobRef(LOCAL_OWNER, str(number)), record)
    assert len(panels._paces) == MOST_PACES
    ledger.cancel(lease.ref)
    final = record_of(ledger, lease.ref)
    panels.html(JobRef(LOCAL_OWNER, str(MOST_PACES)), final)
    assert len(panels._paces) == MOST_PACES - 1
