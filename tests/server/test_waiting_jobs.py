"""What is said of a job that no live worker can run, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from serving import FadingLedger, Http, RecordingDispatch, problem

from taskkit.ledger import JobRef
from taskkit.protocol.spec import LOCAL_OWNER
from taskkit.protocol.workers import WorkerInfo
from taskkit_server.routes import workforce

GPU = {"task": "demo", "options": {"tags": ["gpu"], "cpus": 2}}


@pytest.fixture(autouse=True)
def _always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workforce, "FRESH_S", 0.0)


def join(ledger: FadingLedger, name: str = "w-gpu", **has: Any) -> None:
    """Have a worker join that knows the tasks of the first one."""
    [known, *_] = ledger.workers("")
    facts = {"host": "lab", "pid": 2, "processes": 2, "python": "3.11.7", "cores": 2}
    ledger.join(WorkerInfo(name=name, **{**facts, **has}, tasks=known.tasks), {"numpy": "1.26.4"})


def test_a_job_that_nobody_can_run_is_accepted_and_says_so(
    http: Http, ledger: FadingLedger
) -> None:
    """In the answer, in its record, in lists and its panel; a list of several likewise."""
    join(ledger, tags=("lab",))
    made = http.post("/jobs", GPU)
    assert made.status_code == 201
    words = made.json["waits_for"]
    assert words.startswith("waits for a worker with the tag gpu; live: ")
    assert http.get(f"/jobs/{made.json['id']}").json["waits_for"] == words
    assert http.get("/jobs").json["jobs"][0]["waits_for"] == words
    assert "the tag gpu; live: " in http.get(f"/jobs/{made.json['id']}/panel").text
    several = http.post("/jobs", {"jobs": [GPU, {"task": "demo"}]}).json["jobs"]
    assert [one["job"]["waits_for"] for one in several] == [words, ""]


def test_what_is_said_is_true_of_now(http: Http, ledger: FadingLedger) -> None:
    """A worker comes that fits, and goes; a record that has not changed has another tag then."""
    job = f"/jobs/{http.post('/jobs', GPU).json['id']}"
    before = http.get(job)
    assert before.json["waits_for"]
    join(ledger, tags=("gpu",))
    now = http.get(job, headers={"If-None-Match": before.headers["ETag"]})
    assert (now.status_code, now.json["waits_for"]) == (200, "")
    ledger.leave("w-gpu", "stopped")
    assert http.get(job).json["waits_for"] == before.json["waits_for"]


def test_nothing_is_said_of_one_that_runs(http: Http, ledger: FadingLedger) -> None:
    """Though the worker that runs it may be the last of its kind."""
    join(ledger, tags=("gpu",))
    id = http.post("/jobs", GPU).json["id"]
    assert ledger.claim_next("default", worker="w-gpu", pid=1)
    ledger.leave("w-other", "stopped")
    record = http.get(f"/jobs/{id}").json
    assert (record["state"], record["waits_for"]) == ("running", "")


def test_one_may_be_refused_before_anything_is_kept(
    http: Http, ledger: FadingLedger, dispatch: RecordingDispatch
) -> None:
    """With the words; of several, each for itself."""
    refused = problem(http.post("/jobs", {**GPU, "require_worker": True}), 409, "no_worker_fits")
    assert "the tag gpu" in refused["detail"]
    assert refused["waits_for"].startswith("waits for a worker")
    wanted = [{**GPU, "require_worker": True}, {"task": "demo", "require_worker": True}]
    several = http.post("/jobs", {"jobs": wanted}).json["jobs"]
    assert several[0]["problem"]["code"] == "no_worker_fits"
    assert several[1]["job"]["state"] == "queued"
    assert len(ledger.jobs(LOCAL_OWNER)) == 1
    assert dispatch.woken == ["default"]


def test_a_request_that_is_repeated_is_answered_as_before(http: Http, ledger: FadingLedger) -> None:
    """The worker has gone since, and the first answer was lost."""
    join(ledger, tags=("gpu",))
    wanted = {**GPU, "key": "once", "require_worker": True}
    first = http.post("/jobs", wanted)
    assert first.status_code == 201
    ledger.leave("w-gpu", "stopped")
    again = http.post("/jobs", wanted)
    assert (again.status_code, again.json["id"]) == (200, first.json["id"])
    assert ledger.keyed(LOCAL_OWNER, "once") == JobRef(LOCAL_OWNER, first.json["id"])
    assert ledger.keyed(LOCAL_OWNER, "other") is None


@pytest.mark.parametrize(
    "options",
    [
        {"cpus": 0},
        {"cpus": True},
        {"tags": ["big mem"]},
        {"tags": "gpu"},
        {"python": "3"},
        {"packages": {"numpy": "newest"}},
        {"packages": {"no name": ""}},
    ],
    ids=str,
)
def test_needs_that_cannot_be_are_refused(http: Http, options: dict[str, Any]) -> None:
    """And the field is named."""
    refused = problem(
        http.post("/jobs", {"task": "demo", "options": options}), 422, "invalid_request"
    )
    [field] = options
    assert f"options.{field}" in next(iter(refused["fields"]))


def test_what_an_environment_has_can_be_asked(http: Http, ledger: FadingLedger) -> None:
    """By the digest that its workers tell, while one is there."""
    join(ledger, environment="a" * 32)
    [told] = [one for one in http.get("/workers").json["workers"] if one["name"] == "w-gpu"]
    assert (told["cores"], told["environment"]) == (2, "a" * 32)
    assert http.get(f"/environments/{told['environment']}").json == {
        "packages": {"numpy": "1.26.4"}
    }
    ledger.leave("w-gpu", "stopped")
    problem(http.get(f"/environments/{told['environment']}"), 404, "environment_not_found")
    problem(http.get("/environments/no-such"), 404, "environment_not_found")
