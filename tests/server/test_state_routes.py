"""Routes that tell how things stand, and what they answer while the ledger is away."""

from __future__ import annotations

import pytest
from serving import (
    DEMO,
    ISING,
    FadingLedger,
    Http,
    RecordingDispatch,
    failed,
    problem,
    queued,
    running,
)

import taskkit
from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol import PROTOCOL_VERSION, spoken, wire
from taskkit.protocol.options import DEFAULT, JobOptions
from taskkit.protocol.spec import LOCAL_OWNER, JobSpec
from taskkit.protocol.workers import WorkerInfo
from taskkit_server.app import create_app
from taskkit_server.routes import state as state_api
from taskkit_server.settings import Settings


def test_hello_says_who_asks_and_where_the_logs_end(http: Http, ledger: FadingLedger) -> None:
    """All that a client needs to begin: the protocol, and a cursor for each log."""
    queued(ledger)
    hello = http.get("/hello").json
    head = ledger.head(LOCAL_OWNER)
    assert hello["owner"] == LOCAL_OWNER
    assert hello["is_open"] is False
    assert (hello["protocol"], hello["version"]) == (PROTOCOL_VERSION, taskkit.__version__)
    assert hello["logs"]["jobs"] == {"epoch": head.epoch, "seq": 1}
    assert hello["logs"]["workers"]["seq"] == 1


@pytest.mark.parametrize("said", ["1", "7", "x", "-1", "9" * 40])
def test_hello_answers_any_client_with_a_protocol_of_its_own(http: Http, said: str) -> None:
    """One that is newer or older sees by it whether they understand one another."""
    answer = http.get("/hello", headers={"Taskkit-Protocol": said})
    assert answer.json["protocol"] == PROTOCOL_VERSION == spoken(7)


def test_tasks_are_the_catalogue(http: Http) -> None:
    """As the worker that is there described them."""
    tasks = [wire.task_from_wire(task) for task in http.get("/tasks").json["tasks"]]
    assert tasks == [DEMO, ISING]


def test_workers_are_those_that_are_there(http: Http, ledger: FadingLedger) -> None:
    """With what of the asker's they run."""
    lease = running(ledger)
    [worker] = http.get("/workers").json["workers"]
    told = wire.worker_from_wire(worker)
    assert (told.name, told.processes, told.jobs) == ("lab-7-1f", 2, (lease.ref.id,))
    ledger.leave("lab-7-1f", "stopped")
    assert http.get("/workers").json == {"workers": []}


def test_events_are_read_after_a_cursor(http: Http, ledger: FadingLedger) -> None:
    """In order, from the cursor on, with the log's end."""
    ref = failed(ledger)
    page = http.get("/events").json
    assert [event["seq"] for event in page["events"]] == [1, 2, 3]
    assert [event["type"] for event in page["events"]] == [
        "job_submitted",
        "attempt_started",
        "job_failed",
    ]
    assert {event["job"] for event in page["events"]} == {ref.id}
    rest = http.get(f"/events?after=2&epoch={page['epoch']}").json
    assert rest == {**page, "events": page["events"][2:]}


def test_events_come_as_many_as_asked_for(
    http: Http, ledger: FadingLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And never more than the server gives; the head says that there is more."""
    for _ in range(4):
        queued(ledger)
    page = http.get("/events?limit=2").json
    assert ([event["seq"] for event in page["events"]], page["head"]) == ([1, 2], 4)
    monkeypatch.setattr(state_api, "MAX_EVENTS", 3)
    assert len(http.get("/events?limit=1000").json["events"]) == 3


def test_the_log_of_workers_is_everybodys(http: Http) -> None:
    """Who came and who went."""
    page = http.get("/events?log=workers").json
    assert page["log"] == "workers"
    assert [event["data"]["worker"] for event in page["events"]] == ["lab-7-1f"]


@pytest.mark.parametrize(
    "query", ["after=9", "epoch=another", "epoch=another&after=1"], ids=["ahead", "epoch", "both"]
)
def test_a_cursor_of_another_log_is_told_that_there_is_a_gap(
    http: Http, ledger: FadingLedger, query: str
) -> None:
    """Its number means nothing here."""
    queued(ledger)
    page = http.get(f"/events?{query}").json
    assert (page["is_gap"], page["head"]) == (True, 1)


def test_a_trimmed_log_is_told_as_a_gap() -> None:
    """What was asked for is no longer here."""
    small = MemoryLedger(log_events=2)
    settings = Settings(redis_url="redis://nowhere", token="t")
    app = create_app(settings, small, RecordingDispatch())  # type: ignore[arg-type]
    http = Http(app, "t")
    for _ in range(5):
        queued(small)
    assert http.get("/events?after=3").json["is_gap"] is False
    page = http.get("/events?after=2").json
    assert page["is_gap"] is True
    assert [event["seq"] for event in page["events"]] == [4, 5]


@pytest.mark.parametrize(
    "query",
    [
        "log=@workers",
        "log=mallory",
        "log=",
        "after=-1",
        "after=x",
        f"after={'9' * 30}",
        "limit=1.5",
    ],
)
def test_a_question_that_makes_no_sense_is_refused(http: Http, query: str) -> None:
    """Also by the ledger's own names of logs."""
    found = problem(http.get(f"/events?{query}"), 422, "invalid_request")
    assert query.partition("=")[0] in found["detail"]


def test_health_needs_no_token_and_tells_nothing_else(http: Http, app: object) -> None:
    """For supervisors and load balancers."""
    stranger = Http(app, token=None)  # type: ignore[arg-type]
    for path in ("/health/live", "/health/ready"):
        response = stranger.get(path)
        assert (response.status_code, list(response.json)) == (200, ["status"])


def test_a_server_without_its_ledger_lives_and_is_not_ready(
    http: Http, ledger: FadingLedger
) -> None:
    """Nobody restarts it, nobody sends it work."""
    ledger.is_away = True
    assert http.get("/health/live").status_code == 200
    response = http.get("/health/ready")
    problem(response, 503, "unavailable")
    assert response.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/hello"),
        ("GET", "/jobs"),
        ("GET", "/jobs/" + "0" * 32),
        ("GET", "/jobs/" + "0" * 32 + "/result"),
        ("POST", "/jobs/" + "0" * 32 + "/cancel"),
        ("GET", "/tasks"),
        ("GET", "/workers"),
        ("GET", "/events"),
    ],
)
def test_a_ledger_that_is_away_is_told_with_when_to_come_again(
    http: Http, ledger: FadingLedger, method: str, path: str
) -> None:
    """503 and Retry-After on every route."""
    ledger.is_away = True
    response = http.ask(method, path)
    problem(response, 503, "unavailable")
    assert response.headers["Retry-After"] == "1"


@pytest.mark.parametrize(
    "body",
    [
        {"task": "demo", "key": "mine"},
        {"jobs": [{"task": "demo", "key": "mine"}, {"task": "nothing-like-it"}]},
    ],
    ids=["one", "several"],
)
def test_a_job_is_not_half_accepted_while_the_ledger_is_away(
    http: Http, ledger: FadingLedger, body: dict[str, object]
) -> None:
    """503 for the request as a whole, and the same one makes the job later."""
    ledger.is_away = True
    response = http.post("/jobs", body)
    problem(response, 503, "unavailable")
    assert response.headers["Retry-After"] == "1"
    ledger.is_away = False
    assert http.post("/jobs", body).status_code in (200, 201)
    assert [job["task"] for job in http.get("/jobs").json["jobs"]] == ["demo"]


@pytest.mark.parametrize("path", ["/nowhere", "/jobs/", "/v2/jobs", "/v1", "/v1/", "/v1/nowhere"])
def test_what_is_not_there_is_a_problem_too(http: Http, path: str) -> None:
    """404 in the form of all others."""
    problem(http.get(path), 404, "no_such_route")


class Broken(MemoryLedger):
    """A ledger with a bug."""

    def tasks(self) -> list[object]:  # type: ignore[override]
        raise ZeroDivisionError("secret detail")


def test_a_bug_is_a_problem_that_tells_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The log has what the answer has not."""
    settings = Settings(redis_url="redis://nowhere", token="t")
    app = create_app(settings, Broken(), RecordingDispatch())  # type: ignore[arg-type]
    response = Http(app, "t").get("/tasks")
    problem(response, 500, "server_broke")
    assert "secret detail" not in response.text
    assert "secret detail" in caplog.text


def test_queues_show_what_waits_and_who_serves(http: Http, ledger: FadingLedger) -> None:
    """One's own jobs and everybody's; queues that nobody serves, and such as hold nothing."""
    gpu = JobOptions(queue="gpu")
    for owner, key, options in (
        (LOCAL_OWNER, "a", DEFAULT),
        (LOCAL_OWNER, "b", gpu),
        ("eve", "a", gpu),
        ("eve", "b", gpu),
    ):
        ledger.submit(owner, [(key, JobSpec(task="demo", options=options))])
    ledger.claim_next("gpu", worker="w1", pid=1)
    serving = ("spare", "default")
    ledger.join(
        WorkerInfo(name="w2", host="lab", pid=8, processes=3, python="3.11.7", queues=serving)
    )
    default, gpu_queue, spare = http.get("/queues").json["queues"]
    assert default == {
        "name": "default",
        "queued": 1,
        "running": 0,
        "queued_all": 1,
        "running_all": 0,
        "workers": 2,
        "processes": 3 + 2,
    }
    assert (gpu_queue["queued_all"], gpu_queue["running_all"]) == (2, 1)
    assert gpu_queue["workers"] == gpu_queue["processes"] == 0
    assert spare["name"] == "spare"
    assert spare["workers"] == 1
