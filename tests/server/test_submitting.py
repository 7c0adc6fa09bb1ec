"""`POST /jobs` and `POST /tasks`: what is accepted, under which key, and what is answered."""

from __future__ import annotations

import base64
import json
import re
from hashlib import sha256
from typing import Any

import pytest
from serving import FadingLedger, Http, RecordingDispatch, problem

from taskkit.ledger import JobRef, Limits
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import LOCAL_OWNER, MAX_ARGUMENTS_BYTES, MAX_BODY_BYTES
from taskkit_server.routes import submissions

PICKLED = b"\x80\x05 a function"
DIGEST = sha256(PICKLED).hexdigest()


def base64_of(raw: bytes) -> str:
    """Return bytes as JSON carries them."""
    return base64.b64encode(raw).decode()


def shipped(**more: Any) -> dict[str, Any]:
    """Return a request for a shipped function."""
    request = {"task": "fit", "function": DIGEST, "payload": base64_of(b"args"), "python": "3.11"}
    return {**request, **more}


def test_one_job_is_made_told_and_woken(
    http: Http, ledger: FadingLedger, dispatch: RecordingDispatch
) -> None:
    """201, the record, where to find it, and one wake-up for the workers."""
    response = http.post("/jobs", {"task": "ising", "arguments": {"size": 8}})
    job = response.json
    assert response.status_code == 201
    assert re.fullmatch("[0-9a-f]{32}", job["id"])
    assert (job["task"], job["state"], job["attempt"]) == ("ising", "queued", 0)
    assert response.headers["Location"] == f"/jobs/{job['id']}"
    ref = JobRef(LOCAL_OWNER, job["id"])
    assert dispatch.woken == ["default"]
    assert ledger.job(ref) is not None


def test_positional_arguments_get_the_names_of_their_places(
    http: Http, ledger: FadingLedger
) -> None:
    """The spec that a worker claims has every argument by name."""
    made = http.post(
        "/jobs", {"task": "ising", "positional": [8], "arguments": {"temperature": 3.5}}
    )
    claim = ledger.claim(JobRef(LOCAL_OWNER, made.json["id"]), worker="w", pid=1)
    assert claim is not None
    assert json.loads(claim.spec.arguments) == {"size": 8, "temperature": 3.5}


def test_the_same_key_is_the_same_job(http: Http, dispatch: RecordingDispatch) -> None:
    """A request repeated after a lost reply makes nothing new and wakes nobody."""
    body = {"task": "demo", "key": "mine"}
    first, again = http.post("/jobs", body), http.post("/jobs", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json["id"] == again.json["id"]
    assert again.headers["Location"] == first.headers["Location"]
    assert len(dispatch.woken) == 1


def test_options_reach_the_worker_and_the_record(http: Http, ledger: FadingLedger) -> None:
    """What was asked for is what is done, and what `GET /jobs/ID` shows."""
    asked = {
        "name": "mine",
        "session": "a.ipynb",
        "retries": 2,
        "retry_on": ["ValueError"],
        "timeout_s": 1.5,
        "memory_mib": 64.0,
        "queue": "gpu",
        "priority": -5,
    }
    made = http.post("/jobs", {"task": "demo", "options": asked}).json
    assert made["options"] == asked
    assert http.get(f"/jobs/{made['id']}").json["options"] == asked
    claim = ledger.claim(JobRef(LOCAL_OWNER, made["id"]), worker="w", pid=1)
    assert claim is not None
    assert claim.spec.options == JobOptions(**{**asked, "retry_on": ("ValueError",)})


def test_the_header_is_a_key_too(http: Http) -> None:
    """As the draft of the Idempotency-Key header has it; one in the body comes before it."""
    headers = {"Idempotency-Key": "from-header"}
    first, again = (http.post("/jobs", {"task": "demo"}, headers=headers) for _ in range(2))
    other = http.post("/jobs", {"task": "demo", "key": "own"}, headers=headers)
    assert first.json["id"] == again.json["id"] != other.json["id"]


def test_a_header_for_several_jobs_makes_each_of_them_once(http: Http) -> None:
    """Different jobs under one header are different jobs, and stay so when it is sent again."""
    body = {"jobs": [{"task": "demo"}, {"task": "ising", "arguments": {"size": 4}}]}
    headers = {"Idempotency-Key": "several"}
    first, again = (http.post("/jobs", body, headers=headers).json["jobs"] for _ in range(2))
    ids = [answer["job"]["id"] for answer in first]
    assert len(set(ids)) == 2
    assert [answer["job"]["id"] for answer in again] == ids


def test_a_key_of_another_request_is_refused(http: Http) -> None:
    """Not silently answered with the other job."""
    http.post("/jobs", {"task": "demo", "key": "mine"})
    response = http.post("/jobs", {"task": "demo", "arguments": {"name": "Ada"}, "key": "mine"})
    assert problem(response, 422, "key_reused")["key"] == "mine"


def test_several_jobs_are_answered_each_for_itself(http: Http, dispatch: RecordingDispatch) -> None:
    """In order; what does not fit takes nothing with it."""
    http.post("/jobs", {"task": "demo", "key": "taken"})
    asked = [
        {"task": "demo"},
        {"task": "nothing-like-it"},
        {"task": "ising"},
        {"task": "demo", "arguments": {"name": "Ada"}, "key": "taken"},
        shipped(),
        {"task": "ising", "arguments": {"size": 4}},
    ]
    response = http.post("/jobs", {"jobs": asked})
    told = [a["problem"]["code"] if "problem" in a else "job" for a in response.json["jobs"]]
    assert response.status_code == 200
    assert told == [
        "job",
        "task_not_found",
        "invalid_arguments",
        "key_reused",
        "function_not_found",
        "job",
    ]
    assert len(dispatch.woken) == 3


def test_a_shipped_function_is_kept_and_asked_for_when_unknown(http: Http) -> None:
    """Its hash is enough from the second time on."""
    unknown = http.post("/jobs", shipped())
    assert problem(unknown, 404, "function_not_found")["function"] == DIGEST
    first = http.post("/jobs", {"jobs": [shipped()], "functions": {DIGEST: base64_of(PICKLED)}})
    assert "job" in first.json["jobs"][0]
    assert http.post("/jobs", shipped(payload=base64_of(b"other"))).status_code == 201


@pytest.mark.parametrize(
    ("functions", "word"),
    [({DIGEST: base64_of(b"another")}, "hash"), ({DIGEST: "%%%"}, "base64")],
)
def test_a_function_under_a_wrong_hash_is_refused(
    http: Http, functions: dict[str, str], word: str
) -> None:
    """Else one job would run the code of another."""
    response = http.post("/jobs", {"jobs": [shipped()], "functions": functions})
    assert word in problem(response, 422, "invalid_request")["detail"]


def test_a_payload_that_is_not_base64_is_refused(http: Http) -> None:
    """It would be found only by a worker."""
    problem(http.post("/jobs", shipped(payload="%%%")), 422, "invalid_request")


def test_a_function_of_another_python_is_refused(http: Http) -> None:
    """Both versions are told, in words and for programs."""
    found = problem(http.post("/jobs", shipped(python="3.13")), 409, "python_mismatch")
    assert (found["kernel"], found["workers"]) == ("3.13", ["3.11"])
    assert "3.13" in found["detail"]
    assert "3.11" in found["detail"]


def test_a_function_waits_for_workers_that_are_not_there_yet(
    http: Http, ledger: FadingLedger
) -> None:
    """Without a worker no version is wrong."""
    ledger.leave("lab-7-1f", "stopped")
    body = {"jobs": [shipped(python="3.13")], "functions": {DIGEST: base64_of(PICKLED)}}
    assert "job" in http.post("/jobs", body).json["jobs"][0]


def test_an_unknown_task_is_answered_with_the_nearest_names(http: Http) -> None:
    """A slip of the pen is recognised."""
    found = problem(http.post("/jobs", {"task": "izing"}), 404, "task_not_found")
    assert found["nearest"] == ["ising"]
    assert "'ising'" in found["detail"]


def test_an_unknown_task_unlike_any_is_answered_with_all_names(http: Http) -> None:
    """There are few."""
    found = problem(http.post("/jobs", {"task": "zzz"}), 404, "task_not_found")
    assert found["nearest"] == []
    assert "demo, ising" in found["detail"]


def test_a_task_that_came_within_the_second_is_known(http: Http, ledger: FadingLedger) -> None:
    """The catalogue is read once a second, and again before a name is called unknown."""
    problem(http.post("/jobs", {"task": "fresh"}), 404, "task_not_found")
    [worker] = ledger.workers("")
    [demo, _] = worker.tasks
    fields = {name: getattr(worker, name) for name in ("name", "host", "pid", "processes")}
    fresh = type(demo)(name="fresh", schema={"type": "object"})
    ledger.join(type(worker)(**fields, python=worker.python, tasks=(fresh,)))
    assert http.post("/jobs", {"task": "fresh"}).status_code == 201


@pytest.mark.parametrize(
    ("call", "told"),
    [
        ({"arguments": {"size": "x"}}, {"size": '"x" is not of type "integer"'}),
        ({"arguments": {"size": 1}}, {"size": "1 is less than the minimum of 2"}),
        ({}, {"size": "missing"}),
        (
            {"arguments": {"size": 4, "sise": 4}},
            {"sise": "unknown; the parameters are size, temperature"},
        ),
        ({"positional": [4], "arguments": {"size": 4}}, {"size": "given by position and by name"}),
        (
            {"arguments": {"temperature": "hot"}},
            {"size": "missing", "temperature": '"hot" is not of type "number"'},
        ),
    ],
    ids=["wrong type", "out of range", "missing", "unknown", "twice", "two faults"],
)
def test_arguments_that_do_not_fit_are_named(
    http: Http, call: dict[str, Any], told: dict[str, str]
) -> None:
    """Each with what is wrong with it, in the detail and for programs."""
    found = problem(http.post("/jobs", {"task": "ising", **call}), 422, "invalid_arguments")
    assert found["arguments"] == told
    for name, words in told.items():
        assert f"{name}: {words}" in found["detail"]


def test_too_many_positional_arguments_are_counted(http: Http) -> None:
    """The signature says how many there may be."""
    response = http.post("/jobs", {"task": "ising", "positional": [1, 2, 3]})
    found = problem(response, 422, "invalid_arguments")
    assert "takes 2 arguments at most, 3 were given" in found["detail"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "task"),
        ({"task": ""}, "task"),
        ({"task": 7}, "task"),
        ({"task": "demo", "arguments": []}, "arguments"),
        ({"task": "demo", "positional": {}}, "positional"),
        ({"task": "demo", "retries": 3}, "retries"),
        ({"task": "demo", "options": {"retries": -1}}, "options.retries"),
        ({"task": "demo", "options": {"retry_on": ["two words"]}}, "options.retry_on.0"),
        ({"task": "demo", "options": {"timeout_s": 0}}, "options.timeout_s"),
        ({"task": "demo", "options": {"memory_mib": "1e999"}}, "options.memory_mib"),
        ({"task": "demo", "options": {"queue": "GPU"}}, "options.queue"),
        ({"task": "demo", "options": {"queue": "gpu\n"}}, "options.queue"),
        ({"task": "demo", "options": {"priority": 101}}, "options.priority"),
        ({"task": "demo", "options": {"colour": "red"}}, "options.colour"),
        ({"task": "demo", "key": "two words"}, "key"),
        ({"task": "demo", "function": "zz"}, "function"),
        ({"jobs": []}, "jobs"),
        ({"jobs": [{"task": "demo"}, {}]}, "jobs.1.task"),
        ({"jobs": {"task": "demo"}}, "jobs"),
    ],
)
def test_a_request_of_another_form_is_told_its_fields(
    http: Http, body: dict[str, Any], field: str, dispatch: RecordingDispatch
) -> None:
    """422 with each field at fault; nothing is made."""
    found = problem(http.post("/jobs", body), 422, "invalid_request")
    assert list(found["fields"]) == [field]
    assert dispatch.woken == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b'"demo"',
        b'{"task": "demo", "arguments": {"name": NaN}}',
        b'{"task": "demo", "arguments": {"name": Infinity}}',
        b'{"task": "demo", "positional": ' + b"[" * 100_000,
        b'{"task": "ising", "arguments": {"size": 1' + b"0" * 5000 + b"}}",
    ],
    ids=["empty", "cut", "binary", "list", "string", "nan", "infinity", "endless", "long number"],
)
def test_a_body_that_is_no_json_object_is_refused(http: Http, body: bytes) -> None:
    """400, and never the server's own fault."""
    problem(http.post("/jobs", body), 400, "bad_request")


@pytest.mark.parametrize(
    "arguments",
    [
        '{"name": ' + "[" * 400 + "]" * 400 + "}",
        '{"name": "\\ud800"}',
        '{"\\ud800": 1}',
        '{"name": 1e400}',
        '{"name": 1' + "0" * 400 + "}",
    ],
    ids=["deep", "half a pair", "half a pair as name", "beyond floats", "beyond 64 bits"],
)
def test_arguments_that_are_json_and_yet_strange_are_refused(http: Http, arguments: str) -> None:
    """422, and never the server's own fault."""
    body = f'{{"task": "demo", "arguments": {arguments}}}'.encode()
    problem(http.post("/jobs", body), 422, "invalid_arguments")


def test_a_compressed_body_is_refused(http: Http) -> None:
    """A small one could become a very large one."""
    response = http.post("/jobs", {"task": "demo"}, headers={"Content-Encoding": "gzip"})
    problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("path", ["/jobs", "/tasks", "/tokens", "/blobs/missing"])
def test_a_body_that_is_said_to_be_something_else_is_refused(http: Http, path: str) -> None:
    """By 415, though it may be JSON; the message says what to say."""
    response = http.ask("POST", path, data=b"{}", content_type="text/plain")
    found = problem(response, 415, "unsupported_media_type")
    assert "application/json" in found["detail"]


def test_a_body_that_is_too_large_is_refused_unread(http: Http) -> None:
    """Its announced length is enough."""
    response = http.ask(
        "POST",
        "/jobs",
        data=b"{}",
        environ_overrides={"CONTENT_LENGTH": str(MAX_BODY_BYTES + 1)},
    )
    found = problem(response, 413, "payload_too_large")
    assert f"{MAX_BODY_BYTES // 2**20} MiB" in found["detail"]


def test_arguments_that_are_too_large_are_refused(
    http: Http, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though the request as a whole is not."""
    assert MAX_ARGUMENTS_BYTES < MAX_BODY_BYTES
    monkeypatch.setattr(submissions, "MAX_ARGUMENTS_BYTES", 3)
    problem(http.post("/jobs", shipped()), 413, "payload_too_large")


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", None]
)
def test_the_first_command_makes_a_demo_job(
    http: Http, ledger: FadingLedger, content_type: str | None
) -> None:
    """As curl sends it, with the header that the document shows or without."""
    response = http.ask("POST", "/tasks", data=b'{"name": "Hello"}', content_type=content_type)
    assert response.status_code == 201
    id = response.json["data"]["task"]["id"]
    assert response.json == {"data": {"task": {"id": id}}}
    assert response.headers["Location"] == f"/jobs/{id}"
    claim = ledger.claim(JobRef(LOCAL_OWNER, id), worker="w", pid=1)
    assert claim is not None
    assert (claim.spec.task, json.loads(claim.spec.arguments)) == ("demo", {"name": "Hello"})


@pytest.mark.parametrize("body", [{"name": 7}, {"name": None}, {"nome": "Hello"}])
def test_the_first_command_names_what_does_not_fit(http: Http, body: dict[str, Any]) -> None:
    """A name that is no string, or no name."""
    found = problem(http.post("/tasks", body), 422, "invalid_arguments")
    assert list(found["arguments"]) == list(body)


def test_who_has_as_many_queued_as_one_may_is_told_to_wait(
    http: Http, ledger: FadingLedger, dispatch: RecordingDispatch
) -> None:
    """Of several jobs those that fit are taken; the answer to the others is when to ask again."""
    ledger.limit(Limits(queued=3))
    made = http.post("/jobs", {"jobs": [{"task": "demo"}] * 5})
    problems = [one.get("problem", {}).get("code") for one in made.json["jobs"]]
    assert problems == [None] * 3 + ["quota_reached"] * 2
    assert len(dispatch.woken) == 3
    refused = http.post("/jobs", {"task": "demo"})
    told = problem(refused, 429, "quota_reached")
    assert refused.headers["Retry-After"] == "1"
    assert "3 jobs in the queue, and may have 3" in told["detail"]
    ledger.claim(JobRef(LOCAL_OWNER, made.json["jobs"][0]["job"]["id"]), worker="w", pid=1)
    assert http.post("/jobs", {"task": "demo"}).status_code == 201
