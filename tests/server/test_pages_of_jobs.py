"""`GET /jobs`: pages, cursors and filters, as the wire has them."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from serving import FadingLedger, Http, problem, queued

from taskkit.ledger import JobRef
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol import wire
from taskkit_server.routes import records


def walk(http: Http, query: str = "", start: str = "/jobs") -> list[list[str]]:
    """Return the ids page by page, by `next`; hold the Link header to it."""
    pages: list[list[str]] = []
    path = f"{start}?{query}"
    while True:
        response = http.get(path)
        assert response.status_code == 200, response.text
        pages.append([job["id"] for job in response.json["jobs"]])
        after = response.json["next"]
        if after is None:
            assert "Link" not in response.headers
            return pages
        link = re.fullmatch(r'<([^>]+)>; rel="next"', response.headers["Link"])
        assert link is not None
        assert f"cursor={after}" in link[1]
        path = link[1]


def test_pages_have_every_job_once_though_others_come_and_go(
    http: Http, ledger: FadingLedger
) -> None:
    """The link keeps the filters and the version that were asked by."""
    ids = [queued(ledger).id for _ in range(7)]
    for start in ("/jobs", "/v1/jobs"):
        assert walk(http, "limit=3&state=queued", start) == [
            ids[:3:-1],
            ids[3:0:-1],
            ids[:1],
        ]
    first = http.get("/jobs?limit=3").json
    late = queued(ledger).id
    ledger.cancel(JobRef("local", first["jobs"][-1]["id"]))
    rest = http.get(f"/jobs?limit=100&cursor={first['next']}").json
    assert [job["id"] for job in rest["jobs"]] == ids[3::-1]
    assert late not in str(rest)


def test_a_page_can_be_empty_and_not_the_last(
    http: Http, ledger: FadingLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request looks at so many jobs; the cursor leads on to those that match."""
    ids = [queued(ledger).id for _ in range(9)]
    ledger.cancel(JobRef("local", ids[0]))
    looked = MemoryLedger.page
    monkeypatch.setattr(
        ledger, "page", lambda *args, **asked: looked(ledger, *args, **asked, look_at=4)
    )
    pages = walk(http, "state=cancelled")
    assert pages == [[], [], [ids[0]]]


def test_a_part_of_a_name_and_a_span_of_time_are_asked_for(http: Http) -> None:
    """`q` in capitals or not; `until` is not in the span."""
    for name in ("Fit of Ising", "other"):
        http.post("/jobs", {"task": "demo", "options": {"name": name}})
    jobs = http.get("/jobs").json["jobs"]
    other, fit = jobs

    def found(query: str) -> list[str]:
        return [job["id"] for job in http.get(f"/jobs?{query}").json["jobs"]]

    assert found("q=fit%20OF") == [fit["id"]]
    assert found("q=DEMO") == [other["id"], fit["id"]]
    assert found(f"q={fit['id'][4:12]}") == [fit["id"]]
    assert found("until=2000-01-01T00:00:00Z") == []
    at = wire.time_from_wire(other["created_at"])
    assert at is not None
    later = wire.time_to_wire(at + round(timedelta(seconds=1) / timedelta(milliseconds=1)))
    assert found(f"since={fit['created_at']}&until={later}") == [other["id"], fit["id"]]


@pytest.mark.parametrize("cursor", ["x", "", "%00", "bmFu", "é", "AAAA", "a" * 5000])
def test_a_cursor_that_no_page_had_is_refused(http: Http, cursor: str) -> None:
    """Not taken for the beginning."""
    problem(http.get(f"/jobs?cursor={cursor}"), 422, "invalid_request")


@pytest.mark.parametrize("query", ["limit=many", "limit=1.5", "limit="])
def test_a_limit_that_is_no_number_is_refused(http: Http, query: str) -> None:
    """By its name."""
    assert problem(http.get(f"/jobs?{query}"), 422, "invalid_request")["fields"].keys() == {"limit"}


def test_the_bound_of_a_list_holds(
    http: Http, ledger: FadingLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many are asked for."""
    for _ in range(4):
        queued(ledger)
    monkeypatch.setattr(records, "MAX_LISTED", 3)
    assert [len(page) for page in walk(http, "limit=1000")] == [3, 1]
