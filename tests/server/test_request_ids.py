"""Each request has an id, by which its lines in the log are found."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from flask import Flask
from serving import TOKEN, FadingLedger, Http, RecordingDispatch, problem, queued

from taskkit.logs import JsonFormatter
from taskkit_server.app import create_app
from taskkit_server.settings import Settings

ID = "X-Request-ID"


class Lines(logging.Handler):
    """Keeps what is logged, as JSON is written of it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.kept: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.kept.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What is logged during a test."""
    handler, root = Lines(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield handler
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/jobs", {}, 200),
        ("HEAD", "/jobs", {}, 200),
        ("GET", "/", {}, 200),
        ("GET", "/static/no.js", {}, 404),
        ("GET", "/nowhere", {}, 404),
        ("BREW", "/jobs", {}, 405),
        ("POST", "/jobs", {}, 400),
        ("GET", "/jobs", {"Authorization": "Bearer wrong"}, 401),
        ("GET", "/jobs", {"Host": "evil.example"}, 403),
        ("GET", "/jobs", {"Origin": "http://evil.example"}, 403),
        ("GET", "/socket.io/?EIO=4&transport=polling", {}, 400),
        ("GET", "/health/live", {}, 200),
        ("OPTIONS", "/jobs", {}, 200),
    ],
)
def test_every_answer_bears_the_id_and_a_problem_tells_it(
    http: Http, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """Whoever answers: a route, Flask, the gate, Engine.IO."""
    answer = http.ask(method, path, headers={**headers, ID: "mine-1"})
    assert (answer.status_code, answer.headers.getlist(ID)) == (status, ["mine-1"])
    if answer.content_type == "application/problem+json":
        assert json.loads(answer.data)["request_id"] == "mine-1"
        assert int(answer.headers["Content-Length"]) == len(answer.data)


@pytest.mark.parametrize(
    "given",
    ["", " ", "a b", "x" * 129, "é", 'a"b', "<script>", "a;b", "a,b", "{}", "%0a"],
)
def test_an_id_that_is_not_plain_is_replaced(http: Http, given: str) -> None:
    """It goes into logs and pages."""
    made = {http.get("/jobs", headers={ID: given}).headers[ID] for _ in range(2)}
    assert len(made) == 2
    assert all(len(one) == 32 and one.isalnum() for one in made)


def test_a_server_that_breaks_tells_the_id_and_logs_why(
    http: Http, app: Flask, lines: Lines
) -> None:
    """What the user sees is found in the log by it; the log has the traceback."""

    def broken() -> None:
        raise ZeroDivisionError("no")

    app.view_functions["jobs.get_jobs"] = broken
    found = problem(http.get("/jobs", headers={ID: "mine-2"}), 500, "server_broke")
    assert found["request_id"] == "mine-2"
    mine = [line for line in lines.kept if line.get("request") == "mine-2"]
    assert [line["level"] for line in mine] == ["error", "error"]
    assert "ZeroDivisionError: no" in str(mine[0]["exception"])
    assert {line["user"] for line in mine} == {"local"}


def test_a_submission_is_told_with_its_jobs(http: Http, lines: Lines) -> None:
    """In lines that stay readable however many there are; what was known or refused is counted."""
    one = http.post("/jobs", {"task": "demo", "key": "k"}, headers={ID: "mine-3"}).json["id"]
    [line] = lines.kept
    assert (line["request"], line["user"], line["jobs"]) == ("mine-3", "local", [one])
    lines.kept.clear()
    jobs = [{"task": "demo"} for _ in range(250)]
    body = {"jobs": [*jobs, {"task": "demo", "key": "k"}, {"task": "no such"}]}
    answers = http.post("/jobs", body, headers={ID: "mine-4"}).json["jobs"]
    ids = [answer["job"]["id"] for answer in answers[:250]]
    assert [id for line in lines.kept for id in line["jobs"]] == ids  # type: ignore[attr-defined]
    assert [line["event"] for line in lines.kept] == [
        "accepted 100 jobs, knew 1, refused 1",
        "accepted 100 jobs",
        "accepted 50 jobs",
    ]
    assert answers[-1]["problem"]["request_id"] == "mine-4"


def test_trying_again_is_told_as_a_submission(
    http: Http, ledger: FadingLedger, lines: Lines
) -> None:
    """It makes a job as well."""
    ref = queued(ledger)
    ledger.cancel(ref)
    made = http.post(f"/jobs/{ref.id}/retry", headers={ID: "mine-5"}).json["id"]
    assert [line["jobs"] for line in lines.kept] == [[made]]


def test_requests_are_not_logged_unless_that_is_wanted(http: Http, lines: Lines) -> None:
    """Prometheus counts them."""
    http.get("/jobs")
    http.get("/nowhere")
    assert lines.kept == []


def test_an_access_log_tells_each_request_without_what_is_secret(
    ledger: FadingLedger, dispatch: RecordingDispatch, lines: Lines
) -> None:
    """No query, no header; who asked, what, and how it went."""
    settings = Settings(redis_url="redis://nowhere", token=TOKEN, access_log=True)
    http = Http(create_app(settings, ledger, dispatch))  # type: ignore[arg-type]
    http.get("/jobs?token=hidden&name=hidden", headers={ID: "mine-6", "Referer": "hidden"})
    [line] = lines.kept
    assert line["event"] == "GET /jobs 200"
    assert (
        line.items()
        >= {
            "request": "mine-6",
            "user": "local",
            "route": "/jobs",
            "status": 200,
            "level": "info",
        }.items()
    )
    assert isinstance(line["duration_ms"], float)
    assert "hidden" not in str(line)
    assert TOKEN not in str(line)
    http.get("/x%0D%0AFORGED%20line")
    assert lines.kept[-1]["event"] == "GET /x%0D%0AFORGED%20line 404"
