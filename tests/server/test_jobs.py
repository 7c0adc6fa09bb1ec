"""The routes of jobs that are there: lists, records, results, errors, cancelling."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest
from serving import FadingLedger, Http, failed, problem, queued, running, succeeded

from taskkit.ledger import JobRef, Write
from taskkit.protocol import wire
from taskkit.protocol.events import JobSucceeded, OutputWritten, ProgressReported
from taskkit.protocol.jobs import ResultInfo
from taskkit.protocol.spec import LOCAL_OWNER, JobSpec

NOBODYS = "0" * 32


def test_a_job_is_told_as_it_stands(http: Http, ledger: FadingLedger) -> None:
    """State, attempt, worker, progress, output and times in UTC."""
    lease = running(ledger)
    reports = [
        ProgressReported(done=3, total=4, message="relaxing"),
        OutputWritten(text="grüße\n"),
    ]
    ledger.append(lease, 1, reports)
    job = http.get(f"/jobs/{lease.ref.id}").json
    assert (job["state"], job["attempt"], job["worker"]) == ("running", 1, "lab-7-1f")
    assert job["progress"] == {
        "done": 3,
        "total": 4,
        "message": "relaxing",
        "bars": [],
        "fraction": 0.75,
    }
    assert job["output"] == "grüße\n"
    begun = datetime.fromisoformat(job["started_at"])
    assert job["started_at"].endswith("Z")
    assert abs((datetime.now(UTC) - begun).total_seconds()) < 60
    assert wire.record_from_wire(job) == ledger.job(lease.ref)


def test_jobs_are_listed_the_newest_first(http: Http, ledger: FadingLedger) -> None:
    """As many as asked for."""
    ids = [queued(ledger).id for _ in range(3)]
    assert [job["id"] for job in http.get("/jobs").json["jobs"]] == ids[::-1]
    assert [job["id"] for job in http.get("/jobs?limit=2").json["jobs"]] == ids[:0:-1]


@pytest.mark.parametrize("limit", ["0", "-5"])
def test_a_list_has_one_job_at_least(http: Http, ledger: FadingLedger, limit: str) -> None:
    """A limit below one counts as one."""
    for _ in range(2):
        queued(ledger)
    assert len(http.get(f"/jobs?limit={limit}").json["jobs"]) == 1


def test_a_list_goes_on_before_a_time(http: Http, ledger: FadingLedger) -> None:
    """The page after this one begins before its oldest job."""
    id = queued(ledger).id
    created_at = http.get(f"/jobs/{id}").json["created_at"]
    assert http.get(f"/jobs?before={created_at}").json["jobs"] == []
    later = "2999-01-01T00:00:00Z"
    assert [job["id"] for job in http.get(f"/jobs?before={later}").json["jobs"]] == [id]


@pytest.mark.parametrize("before", ["yesterday", "1", "0001-01-01T00:00:00"])
def test_a_time_that_is_none_is_refused(http: Http, before: str) -> None:
    """With the parameter's name."""
    found = problem(http.get(f"/jobs?before={before}"), 422, "invalid_request")
    assert "before" in found["detail"]


def test_a_list_has_the_end_of_what_was_printed(http: Http, ledger: FadingLedger) -> None:
    """And says how much more there is; the job itself has it."""
    lease = running(ledger)
    ledger.append(lease, 1, [OutputWritten(text="x" * 3000 + "end")])
    [listed] = http.get("/jobs").json["jobs"]
    assert len(listed["output"]) == 2000
    assert listed["output"].endswith("end")
    assert listed["output_dropped_chars"] == 1003
    whole = http.get(f"/jobs/{lease.ref.id}").json
    assert (len(whole["output"]), whole["output_dropped_chars"]) == (3003, 0)


def test_a_list_has_small_results_only(http: Http, ledger: FadingLedger) -> None:
    """Those of many calls in one may be larger; the job itself has them."""
    sizes = {}
    for size in (4096, 4097):
        lease = running(ledger)
        info = ResultInfo(media_type="x", size_bytes=size, inline="eA==")
        ledger.finish(lease, JobSucceeded(result=info), None)
        sizes[lease.ref.id] = size
    listed = {job["id"]: job["result"]["inline"] for job in http.get("/jobs").json["jobs"]}
    assert {sizes[id]: inline for id, inline in listed.items()} == {4096: "eA==", 4097: None}
    assert all(http.get(f"/jobs/{id}").json["result"]["inline"] == "eA==" for id in sizes)


@pytest.mark.parametrize(
    ("media_type", "body"),
    [(wire.JSON, b'{"x":1}'), (wire.PICKLE, pickle.dumps({1, 2}))],
    ids=["json", "pickle"],
)
def test_a_result_comes_as_it_was_stored(
    http: Http, ledger: FadingLedger, media_type: str, body: bytes
) -> None:
    """Byte for byte, under its media type; the server loads no pickle."""
    response = http.get(f"/jobs/{succeeded(ledger, body, media_type).id}/result")
    assert (response.status_code, response.content_type) == (200, media_type)
    assert response.data == body


def test_a_job_that_is_not_finished_has_no_result(http: Http, ledger: FadingLedger) -> None:
    """409 with its state, for the result and the error."""
    for ref, state in ((queued(ledger), "queued"), (running(ledger).ref, "running")):
        for part in ("result", "error"):
            response = http.get(f"/jobs/{ref.id}/{part}")
            assert problem(response, 409, "job_not_finished")["state"] == state


def test_a_failed_job_says_why_it_has_no_result(http: Http, ledger: FadingLedger) -> None:
    """In the words of its exception."""
    response = http.get(f"/jobs/{failed(ledger).id}/result")
    found = problem(response, 409, "job_not_finished")
    assert "ValueError: no" in found["detail"]
    assert found["state"] == "failed"


def test_a_cancelled_job_has_neither_result_nor_error(http: Http, ledger: FadingLedger) -> None:
    """And says that it is cancelled."""
    ref = queued(ledger)
    http.post(f"/jobs/{ref.id}/cancel")
    for part in ("result", "error"):
        found = problem(http.get(f"/jobs/{ref.id}/{part}"), 409, "job_not_finished")
        assert found["state"] == "cancelled"


def test_an_exception_comes_as_it_was_stored(http: Http, ledger: FadingLedger) -> None:
    """As the pickle that the worker made; 404 where it could not travel."""
    pickled = pickle.dumps(ValueError("no"))
    response = http.get(f"/jobs/{failed(ledger, pickled).id}/error")
    assert (response.content_type, response.data) == (wire.PICKLE, pickled)
    problem(http.get(f"/jobs/{failed(ledger).id}/error"), 404, "job_not_found")


def test_cancelling_answers_the_cancelled_job(http: Http, ledger: FadingLedger) -> None:
    """Queued or running: at once, and its attempt is fenced."""
    waiting, lease = queued(ledger), running(ledger)
    for ref in (waiting, lease.ref):
        response = http.post(f"/jobs/{ref.id}/cancel")
        assert response.status_code == 200
        assert (response.json["id"], response.json["state"]) == (ref.id, "cancelled")
        assert response.json["finished_at"] is not None
    assert ledger.append(lease, 1, [OutputWritten(text="late")]) is Write.FENCED


def test_cancelling_what_is_final_changes_nothing(http: Http, ledger: FadingLedger) -> None:
    """The answer says how it ended."""
    ref = succeeded(ledger, b"1")
    assert http.post(f"/jobs/{ref.id}/cancel").json["state"] == "succeeded"


ROUTES = [("GET", ""), ("GET", "/result"), ("GET", "/error"), ("POST", "/cancel")]


@pytest.mark.parametrize(("method", "rest"), ROUTES)
@pytest.mark.parametrize("id", [NOBODYS, "x", "A" * 32, "é" * 32, "0" * 5000])
def test_a_job_that_is_not_there_is_not_found(http: Http, method: str, rest: str, id: str) -> None:
    """404, whatever its id looks like."""
    problem(http.ask(method, f"/jobs/{id}{rest}"), 404, "job_not_found")


@pytest.mark.parametrize(("method", "rest"), ROUTES)
def test_anothers_job_is_as_if_it_were_not_there(
    http: Http, ledger: FadingLedger, method: str, rest: str
) -> None:
    """The same answer to the letter, and the job goes on."""
    lease = running(ledger, owner="mallory")
    theirs = http.ask(method, f"/jobs/{lease.ref.id}{rest}")
    nobodys = http.ask(method, f"/jobs/{NOBODYS}{rest}")
    problem(theirs, 404, "job_not_found")
    assert theirs.text == nobodys.text.replace(NOBODYS, lease.ref.id)
    assert ledger.append(lease, 1, []) is Write.DONE


def test_anothers_jobs_are_in_no_list(http: Http, ledger: FadingLedger) -> None:
    """Neither their records, nor their events, nor their ids at the worker."""
    ours, theirs = running(ledger), running(ledger, owner="mallory")
    for path in ("/jobs", "/events", "/workers"):
        text = http.get(path).text
        assert ours.ref.id in text
        assert theirs.ref.id not in text


def test_no_key_leads_to_anothers_job(http: Http, ledger: FadingLedger) -> None:
    """Keys are each owner's own."""
    body = {"task": "demo", "key": "shared"}
    id = http.post("/jobs", body).json["id"]
    [other] = ledger.submit("mallory", [("shared", JobSpec(task="demo"))])
    assert other.is_new
    assert other.record.id != id
    assert ledger.job(JobRef(LOCAL_OWNER, other.record.id)) is None


def test_jobs_are_asked_for_by_name_state_time_and_session(http: Http) -> None:
    """Filters add up; what is asked for in vain is an empty list."""
    for name, session in (("one", "a"), ("two", "a"), ("one", "b")):
        http.post("/jobs", {"task": "demo", "options": {"name": name, "session": session}})

    def found(query: str) -> list[tuple[str, str]]:
        jobs = http.get(f"/jobs?{query}").json["jobs"]
        return [(job["options"]["name"], job["options"]["session"]) for job in jobs]

    assert found("name=one") == [("one", "b"), ("one", "a")]
    assert found("session=a&name=one") == [("one", "a")]
    assert len(found("state=queued&state=running")) == 3
    assert found("state=failed") == []
    assert len(found("since=2000-01-01T00:00:00Z")) == 3
    assert found("since=2100-01-01T00:00:00Z") == []


def test_a_page_begins_behind_a_job(http: Http) -> None:
    """So that none is left out where several were made within a millisecond."""
    ids = [http.post("/jobs", {"task": "demo"}).json["id"] for _ in range(5)]
    first = http.get("/jobs?limit=2").json["jobs"]
    rest = http.get(f"/jobs?before={first[-1]['id']}").json["jobs"]
    assert [job["id"] for job in (*first, *rest)] == ids[::-1]


@pytest.mark.parametrize("query", ["state=done", "since=yesterday", "before=tomorrow"])
def test_a_filter_that_is_not_understood_is_told(http: Http, query: str) -> None:
    """In a sentence that names it."""
    found = problem(http.get(f"/jobs?{query}"), 422, "invalid_request")
    assert query.partition("=")[2] in found["detail"]


def test_a_failed_or_cancelled_job_is_submitted_again(http: Http, ledger: FadingLedger) -> None:
    """As another job of the same task; a repeated request makes no third one."""
    cancelled = queued(ledger)
    http.post(f"/jobs/{cancelled.id}/cancel")
    for ref in (failed(ledger), cancelled):
        key = {"Idempotency-Key": f"again-{ref.id}"}
        response = http.post(f"/jobs/{ref.id}/retry", headers=key)
        assert response.status_code == 201
        assert response.headers["Location"] == f"/jobs/{response.json['id']}"
        assert response.json["id"] != ref.id
        assert (response.json["state"], response.json["task"]) == ("queued", "demo")
        again = http.post(f"/jobs/{ref.id}/retry", headers=key)
        assert (again.status_code, again.json["id"]) == (200, response.json["id"])
        assert http.post(f"/jobs/{ref.id}/retry").json["id"] != response.json["id"]


def test_a_job_that_may_succeed_or_has_is_not_retried(http: Http, ledger: FadingLedger) -> None:
    """409 with its state; 404 of a job that is not here, or not its owner's."""
    refs = {
        "queued": queued(ledger),
        "running": running(ledger).ref,
        "succeeded": succeeded(ledger, b"1"),
    }
    for state, ref in refs.items():
        found = problem(http.post(f"/jobs/{ref.id}/retry"), 409, "job_not_failed")
        assert found["state"] == state
    problem(http.post(f"/jobs/{'0' * 32}/retry"), 404, "job_not_found")


def test_a_job_whose_arguments_are_gone_is_not_retried(
    http: Http, ledger: FadingLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of one that an older server has let go of."""
    ref = failed(ledger)
    monkeypatch.setattr(ledger, "spec", lambda ref: None)
    found = problem(http.post(f"/jobs/{ref.id}/retry"), 404, "job_not_found")
    assert "submit it anew" in found["detail"]
