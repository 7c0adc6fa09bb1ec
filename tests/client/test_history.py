"""Which jobs are asked for, and how many at a time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from scripted import LIMIT_S, Answer, Server

from taskkit import Client, JobState, RequestError
from taskkit.client import history
from taskkit.client.history import query
from taskkit.protocol import wire
from taskkit.protocol.errors import JobNotFound, to_problem
from taskkit.protocol.jobs import JobRecord, ResultInfo

NOW = datetime(2026, 11, 24, 3, 22, tzinfo=UTC)


def test_nothing_is_asked_where_nothing_matters() -> None:
    """All jobs, then."""
    assert query(now=NOW) == []


def test_every_filter_has_its_name_on_the_wire() -> None:
    """A state may come several times."""
    asked = query(
        name="fit", state=["failed", JobState.CANCELLED], since=NOW, session="/a.ipynb", now=NOW
    )
    assert asked == [
        ("name", "fit"),
        ("state", "failed"),
        ("state", "cancelled"),
        ("since", "2026-11-24T03:22:00+00:00"),
        ("session", "/a.ipynb"),
    ]


@pytest.mark.parametrize("state", ["failed", JobState.FAILED, [JobState.FAILED], {"failed"}])
def test_one_state_needs_no_list(state: Any) -> None:
    """As the enumeration's member or as its word."""
    assert query(state=state, now=NOW) == [("state", "failed")]


@pytest.mark.parametrize(
    "since",
    [
        NOW - timedelta(hours=2),
        (NOW - timedelta(hours=2)).astimezone(timezone(timedelta(hours=5))),
        (NOW - timedelta(hours=2)).astimezone().replace(tzinfo=None),
        timedelta(hours=2),
        "2026-11-24T01:22Z",
        "2026-11-24T02:22+01:00",
        (NOW - timedelta(hours=2)).astimezone().replace(tzinfo=None).isoformat(),
    ],
    ids=["UTC", "elsewhere", "local", "so long ago", "text", "text elsewhere", "local text"],
)
def test_a_time_may_be_told_in_many_ways(since: Any) -> None:
    """They all mean 01:22 in UTC; without a zone it is local time."""
    assert query(since=since, now=NOW) == [("since", "2026-11-24T01:22:00+00:00")]


@pytest.fixture
def _five_hours_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock on the wall is five hours ahead of UTC."""
    monkeypatch.setenv("TZ", "EAST-5")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_five_hours_east")
@pytest.mark.parametrize("since", [datetime(2026, 11, 24, 6, 22), "2026-11-24T06:22"])
def test_a_time_without_a_zone_is_that_on_the_readers_wall(since: Any) -> None:
    """Wherever the server is."""
    assert query(since=since, now=NOW) == [("since", "2026-11-24T01:22:00+00:00")]


@pytest.mark.parametrize(
    ("wrong", "error", "told"),
    [
        ({"state": "lost"}, ValueError, "state: 'lost' .*the states are queued, running"),
        ({"since": "yesterday"}, ValueError, "since is a time such as"),
        ({"since": 3600}, TypeError, "since is a datetime, a timedelta or"),
    ],
)
def test_what_cannot_be_asked_is_said(
    wrong: dict[str, Any], error: type[Exception], told: str
) -> None:
    """Before the server is."""
    with pytest.raises(error, match=told):
        query(**wrong, now=NOW)


class Ledger:
    """A server that has so many final jobs, each with a result that must be fetched."""

    def __init__(self, jobs: int) -> None:
        self.ids = [f"{number:032x}" for number in range(jobs)]
        self.most = 10_000
        self.results: list[str] = []
        self.pages: list[dict[str, list[str]]] = []
        self.server = Server(self._answer)

    def _answer(self, _method: str, path: str, _body: Any) -> Answer:
        parts = urlsplit(path)
        if parts.path == "/hello":
            logs = {"jobs": {"epoch": "e", "seq": 0}}
            return 200, {"protocol": 1, "version": "0", "owner": "local", "logs": logs}
        if parts.path.endswith("/result"):
            self.results.append(parts.path.split("/")[2])
            return 200, (wire.JSON, str(int(self.results[-1], 16)).encode())
        if parts.path == "/jobs":
            self.pages.append(parse_qs(parts.query))
            jobs, after = self._page(self.pages[-1])
            return 200, {"jobs": [wire.record_to_wire(one) for one in jobs], "next": after}
        return 404, to_problem(JobNotFound())

    def _page(self, asked: dict[str, list[str]]) -> tuple[list[JobRecord], str | None]:
        """Return the newest behind the cursor, and the next one."""
        end = int(asked["cursor"][0]) if "cursor" in asked else len(self.ids)
        begin = max(0, end - min(int(asked["limit"][0]), self.most))
        info = ResultInfo(media_type=wire.JSON, size_bytes=9)
        state = JobState.SUCCEEDED
        newest = self.ids[begin:end][::-1]
        jobs = [JobRecord(id=id, task="fit", state=state, seq=9, result=info) for id in newest]
        return jobs, str(begin) if begin else None


@pytest.fixture
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    """A server with as many jobs as the test names."""
    made = Ledger(request.param)
    yield made
    made.server.close()


@pytest.fixture
def client(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of it, of a session; three jobs a page."""
    monkeypatch.setattr(history, "PAGE", 3)
    made = Client(ledger.server.url, session="/home/ada/fit.ipynb")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("ledger", "limit", "sizes"),
    [
        (7, 100, [3, 3, 3]),
        (6, 100, [3, 3]),
        (7, 4, [3, 1]),
        (7, 3, [3]),
        (0, 5, [3]),
        (7, 0, []),
    ],
    indirect=["ledger"],
)
def test_many_jobs_come_page_by_page(
    ledger: Ledger, client: Client, limit: int, sizes: list[int]
) -> None:
    """Newest first, each once, and no more than are wanted."""
    found = client.jobs(limit=limit)
    assert [job.id for job in found] == ledger.ids[::-1][:limit]
    assert [int(page["limit"][0]) for page in ledger.pages] == sizes


@pytest.mark.parametrize("ledger", [5], indirect=True)
@pytest.mark.parametrize("most", [2, 0])
def test_a_page_that_is_short_is_not_the_last(ledger: Ledger, client: Client, most: int) -> None:
    """Nor is one that is empty: a server that looked at many jobs and found few says `next`."""
    ledger.most = most or 1
    if most == 0:
        real, calls = ledger._page, iter(range(100))
        ledger._page = lambda asked: (  # type: ignore[method-assign]
            ([], asked.get("cursor", ["5"])[0]) if next(calls) % 2 == 0 else real(asked)
        )
    assert [job.id for job in client.jobs()] == ledger.ids[::-1]


@pytest.mark.parametrize("ledger", [8], indirect=True)
def test_a_session_comes_back_oldest_first(ledger: Ledger, client: Client) -> None:
    """On every page the same session is asked for."""
    batch = client.reattach()
    assert [job.id for job in batch.jobs] == ledger.ids
    assert {page["session"][0] for page in ledger.pages} == {"/home/ada/fit.ipynb"}
    assert batch.title == "fit.ipynb"
    assert client.reattach("another").title == "another"
    assert ledger.pages[-1]["session"] == ["another"]


@pytest.mark.parametrize("ledger", [1005], indirect=True)
def test_at_most_the_newest_thousand_come_back(
    ledger: Ledger, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than that nobody reads in a cell."""
    monkeypatch.setattr(history, "PAGE", 200)
    assert [job.id for job in client.reattach().jobs] == ledger.ids[5:]
    assert len(ledger.pages) == 5


@pytest.mark.parametrize("ledger", [8], indirect=True)
def test_results_of_before_are_fetched_when_asked_for(ledger: Ledger, client: Client) -> None:
    """Each once; until then the server is asked for none."""
    batch = client.reattach()
    assert batch.done()
    assert ledger.results == []
    assert batch[5] == 5
    assert batch.jobs[5].result(LIMIT_S) == 5
    assert ledger.results == [ledger.ids[5]]
    assert list(batch) == list(range(8))
    assert sorted(ledger.results) == ledger.ids


@pytest.mark.parametrize("ledger", [1], indirect=True)
def test_a_client_without_a_session_says_what_to_do(ledger: Ledger) -> None:
    """In one sentence; with a session named, it is asked for."""
    client = Client(ledger.server.url, session="")
    with pytest.raises(RequestError, match=r"set TASKKIT_SESSION .* client\.reattach\('…'\)"):
        client.reattach()
    assert len(client.reattach("named")) == 1
    client.close()
