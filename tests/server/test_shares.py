"""Shares: who has a link sees its jobs, changes nothing, and learns of nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from serving import FadingLedger, Http, RecordingDispatch, problem, queued
from test_scopes import ASKED

from taskkit.blobs import digest_of as blob_digest
from taskkit.ledger import JobRef, StoredResult
from taskkit.protocol.events import FiguresDisplayed, JobFailed, JobSucceeded, OutputWritten
from taskkit.protocol.jobs import ErrorInfo, Figure, ResultInfo
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec
from taskkit_server import clock
from taskkit_server.access import auth as auth_module
from taskkit_server.access import trusted
from taskkit_server.access.auth import NEEDED, SHARED
from taskkit_server.app import create_app
from taskkit_server.routes import shares as shares_module
from taskkit_server.routes.output import MOST_A_SHARE
from taskkit_server.settings import Settings

SHOWN = b"\x89PNG of the shared job"
OTHER = b"\x89PNG of another job"
PICKLE = "application/vnd.taskkit.pickle"


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    """With blobs, and a pace that one share may ask at."""
    return Settings(redis_url="redis://nowhere", token="root", blobs=str(tmp_path))


@pytest.fixture
def app(settings: Settings, ledger: FadingLedger, dispatch: RecordingDispatch) -> Flask:
    """A server of those settings."""
    return create_app(settings, ledger, dispatch)  # type: ignore[arg-type]


@pytest.fixture
def ana(app: Flask) -> Http:
    """Whose jobs are shared."""
    return of_user(app, "ana")


def of_user(app: Flask, name: str, *scopes: str) -> Http:
    """Make a token and return what asks with it."""
    body = {"user": name, **({"scopes": list(scopes)} if scopes else {})}
    return Http(app, Http(app, "root").post("/tokens", body).json["token"])


@pytest.fixture
def link(app: Flask, ana: Http) -> Callable[..., tuple[str, Http]]:
    """Share jobs of hers; return the share's id, and what asks by it."""

    def make(*ids: str, **more: Any) -> tuple[str, Http]:
        made = ana.post("/shares", {"jobs": list(ids), **more})
        assert made.status_code == 201, made.text
        return made.json["id"], Http(app, made.json["token"])

    return make


def finished(ledger: FadingLedger, digest: str, *, owner: str = "ana", **told: Any) -> str:
    """Make a job that has printed, displayed a figure and returned."""
    spec = JobSpec(task="fit", options=JobOptions(name="a fit", session="/home/ana/secret.ipynb"))
    [made] = ledger.submit(owner, [(digest[:20] + owner, spec)])
    claim = ledger.claim(JobRef(owner, made.record.id), worker="lab-7-1f", pid=70)
    assert claim is not None
    figure = Figure(name="1", media_type="image/png", size_bytes=9, digest=digest)
    said = [
        FiguresDisplayed(figures=(figure,)),
        OutputWritten(text="printed\n"),
    ]
    ledger.append(claim.lease, 1, said)
    info = ResultInfo(media_type=PICKLE, size_bytes=3, preview="array([1])", inline="gAVOLg==")
    stored = StoredResult(media_type=PICKLE, body=b"\x80\x05N.")
    ledger.finish(claim.lease, JobSucceeded(result=info), stored)
    return made.record.id


def sent(http: Http, content: bytes) -> str:
    """Upload a blob."""
    digest = blob_digest(content)
    answer = http.ask("PUT", f"/blobs/{digest}", data=content, headers={"Upload-Complete": "?1"})
    assert answer.status_code == 201
    return digest


def asked(http: Http, endpoint: str, id: str, blob: str = "0" * 64) -> Any:
    """Ask a route about a job."""
    method, path, body = ASKED[endpoint]
    data = None if body is None else json.dumps(body)
    return http.ask(method, path.format(id=id, blob=blob), data=data)


def test_a_link_is_told_once_and_shows_its_jobs(
    ana: Http, link: Callable[..., tuple[str, Http]], ledger: FadingLedger
) -> None:
    """In the order in which they were named, each once, with who shows them and until when."""
    ids = [queued(ledger, owner="ana").id for _ in range(3)]
    made = ana.post("/shares", {"jobs": [ids[2], ids[0], ids[2]], "note": "for the group"}).json
    assert made["token"].startswith("tk_share_")
    assert (made["jobs"], made["note"], made["link"]) == ([ids[2], ids[0]], "for the group", None)
    [listed] = ana.get("/shares").json["shares"]
    assert "token" not in listed
    assert listed["id"] == made["id"]
    _, reader = link(ids[2], ids[0])
    shown = reader.get("/shared").json
    assert (shown["owner"], shown["gone"]) == ("ana", 0)
    assert [job["id"] for job in shown["jobs"]] == [ids[2], ids[0]]
    hello = reader.get("/hello").json
    assert (hello["owner"], hello["scopes"], hello["logs"]) == ("ana", [], {})
    assert hello["shared"]["jobs"] == [ids[2], ids[0]]
    assert hello["shared"]["expires_at"] == shown["expires_at"]
    assert "note" not in hello["shared"]


def test_what_a_share_opens_is_on_a_list(
    app: Flask, ana: Http, link: Callable[..., tuple[str, Http]], ledger: FadingLedger
) -> None:
    """Every other route is shut, by any method, and nothing of hers changes by it."""
    id = queued(ledger, owner="ana").id
    _, reader = link(id)
    before = [
        ledger.job(JobRef("ana", id)),
        ana.get("/tokens").json,
        ana.get("/shares").json["shares"][0]["jobs"],
    ]
    assert SHARED < NEEDED.keys() == ASKED.keys()
    for endpoint in ASKED.keys() - SHARED:
        answer = asked(reader, endpoint, id)
        found = problem(answer, 403, "forbidden")
        assert found["detail"] == "this link shows some jobs, and opens nothing else", endpoint
    after = [
        ledger.job(JobRef("ana", id)),
        ana.get("/tokens").json,
        ana.get("/shares").json["shares"][0]["jobs"],
    ]
    assert after == before
    for endpoint in ("jobs.get_job", "jobs.get_panel", "output.get_output"):
        assert asked(reader, endpoint, id).status_code == 200, endpoint


def test_another_job_is_as_if_there_were_none(
    app: Flask, link: Callable[..., tuple[str, Http]], ledger: FadingLedger
) -> None:
    """Of hers or of others, on every route about a job: the answer is that to an unknown id."""
    shared, hers = queued(ledger, owner="ana").id, finished(ledger, "1" * 64)
    bobs = finished(ledger, "2" * 64, owner="bob")
    _, reader = link(shared)
    about = [name for name in SHARED if "{id}" in ASKED[name][1]]
    assert len(about) == 4
    for endpoint in about:
        for id in (hers, bobs):
            for query in ("", "?follow"):
                method, path, _ = ASKED[endpoint]
                answer = reader.ask(method, path.format(id=id) + query)
                unknown = reader.ask(method, path.format(id="f" * 32) + query)
                assert (answer.status_code, unknown.status_code) == (404, 404), endpoint
                assert answer.text.replace(id, "f" * 32) == unknown.text


def test_a_record_says_no_more_than_the_page_shows(
    link: Callable[..., tuple[str, Http]], ledger: FadingLedger
) -> None:
    """The preview and no value; no notebook's path; of the jobs before it only those shared."""
    id = finished(ledger, "1" * 64)
    other, first = queued(ledger, owner="ana").id, queued(ledger, owner="ana").id
    function = ledger.put_function("ana", "f" * 64, b"\x80\x05N.")
    spec = JobSpec(task="sum", function="f" * 64, payload=b"x", python="3.11", after=(first, other))
    [after] = ledger.submit("ana", [("after", spec)])
    assert function is None
    _, reader = link(id, first, after.record.id)
    for job in (reader.get(f"/jobs/{id}").json, reader.get("/shared").json["jobs"][0]):
        assert (job["result"]["preview"], job["result"]["inline"]) == ("array([1])", None)
        assert "secret.ipynb" not in json.dumps(job)
        assert job["options"] == {"name": "a fit"}
    assert reader.get(f"/jobs/{after.record.id}").json["after"] == [first]
    assert "gAVOLg" not in reader.get(f"/jobs/{id}/panel").text
    assert reader.get(f"/jobs/{id}/output").text == "printed\n"


def test_the_blobs_that_it_shows_are_the_figures_of_its_jobs(
    ana: Http, link: Callable[..., tuple[str, Http]], ledger: FadingLedger
) -> None:
    """Named with the job; another job's, an argument or a result it does not tell from none."""
    shown, other, argument = sent(ana, SHOWN), sent(ana, OTHER), sent(ana, b"an argument")
    id, unshared = finished(ledger, shown), finished(ledger, other)
    _, reader = link(id)
    assert reader.get(f"/blobs/{shown}?job={id}").data == SHOWN
    for digest, job in [
        (shown, ""),
        (shown, unshared),
        (other, unshared),
        (other, id),
        (argument, id),
        (argument, "x"),
    ]:
        query = f"?job={job}" if job else ""
        for method in ("GET", "HEAD"):
            answer = reader.ask(method, f"/blobs/{digest}{query}")
            assert answer.status_code == 404, (digest, job)
        unknown = reader.get(f"/blobs/{'a' * 64}{query}")
        assert reader.get(f"/blobs/{digest}{query}").text.replace(digest, "a" * 64) == unknown.text
    assert ana.get(f"/blobs/{other}").data == OTHER


def test_only_one_s_own_jobs_are_shared(ana: Http, app: Flask, ledger: FadingLedger) -> None:
    """Another's is as if there were none; all of them or no link at all."""
    mine, bobs = queued(ledger, owner="ana").id, queued(ledger, owner="bob").id
    found = problem(ana.post("/shares", {"jobs": [mine, bobs]}), 404, "job_not_found")
    assert found["job"] == bobs
    assert ana.get("/shares").json["shares"] == []


@pytest.mark.parametrize("scopes", [("read",), ("submit",), ("cancel", "code")])
def test_who_only_looks_or_only_submits_shares_nothing(
    app: Flask, ledger: FadingLedger, scopes: tuple[str, ...]
) -> None:
    """A link is for who may see the jobs and is who makes them; it outlives the token."""
    id = queued(ledger, owner="ana").id
    found = problem(of_user(app, "ana", *scopes).post("/shares", {"jobs": [id]}), 403, "forbidden")
    assert found["scope"] in ("read", "submit")
    both = of_user(app, "ana", "read", "submit").post("/shares", {"jobs": [id]})
    assert both.status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "jobs"),
        ({"jobs": []}, "jobs"),
        ({"jobs": ["x"]}, "jobs.0"),
        ({"jobs": ["0" * 32] * 1001}, "jobs"),
        ({"jobs": ["0" * 32], "expires_s": 0}, "expires_s"),
        ({"jobs": ["0" * 32], "expires_s": 1e99}, "expires_s"),
        ({"jobs": ["0" * 32], "note": "x" * 999}, "note"),
        ({"jobs": ["0" * 32], "scopes": ["submit"]}, "scopes"),
    ],
)
def test_what_is_no_share_is_refused(ana: Http, body: Any, field: str) -> None:
    """Each fault by the name of its field."""
    found = problem(ana.post("/shares", body), 422, "invalid_request")
    assert field in found["fields"]


def test_it_lasts_a_month_or_as_long_as_the_server_allows(
    settings: Settings, ledger: FadingLedger, dispatch: RecordingDispatch
) -> None:
    """Unless something shorter is asked for."""
    id = queued(ledger, owner="ana").id
    for most_days, lasts_days in [(90, 30), (7, 7)]:
        told = replace(settings, max_share_s=most_days * 86_400.0)
        http = of_user(create_app(told, ledger, dispatch), "ana")  # type: ignore[arg-type]
        made = http.post("/shares", {"jobs": [id]}).json
        assert days(made) == pytest.approx(lasts_days, abs=1e-3)
        long = http.post("/shares", {"jobs": [id], "expires_s": (most_days + 1) * 86_400})
        told_s = problem(long, 422, "invalid_request")["fields"]["expires_s"]
        assert told_s == f"a share lasts {most_days} days here at most"
        short = http.post("/shares", {"jobs": [id], "expires_s": 3600}).json
        assert days(short) == pytest.approx(1 / 24, abs=1e-3)


def days(share: dict[str, Any]) -> float:
    """Return how long a share lasts."""
    from taskkit.protocol.wire import time_from_wire

    made, ends = (time_from_wire(share[name]) for name in ("created_at", "expires_at"))
    assert made is not None
    assert ends is not None
    return (ends - made) / 86_400_000


def test_a_server_that_shares_nothing_also_shows_nothing(
    settings: Settings, ledger: FadingLedger, dispatch: RecordingDispatch
) -> None:
    """By whatever link: those that were made before it was told so, too."""
    from taskkit.ledger import MemoryShares

    shares, id = MemoryShares(), queued(ledger, owner="ana").id
    before = create_app(settings, ledger, dispatch, shares=shares)  # type: ignore[arg-type]
    token = of_user(before, "ana").post("/shares", {"jobs": [id]}).json["token"]
    assert Http(before, token).get("/shared").status_code == 200
    none = replace(settings, max_share_s=0.0)
    after = create_app(none, ledger, dispatch, shares=shares)  # type: ignore[arg-type]
    problem(Http(after, token).get("/shared"), 401, "unauthorized")
    found = problem(of_user(after, "ana").post("/shares", {"jobs": [id]}), 403, "forbidden")
    assert "max_share_days" in found["detail"]


def test_an_open_stack_says_that_there_is_nothing_to_share(
    settings: Settings, ledger: FadingLedger, dispatch: RecordingDispatch
) -> None:
    """Who is there sees all; a token of its users makes links as ever."""
    app = create_app(replace(settings, is_open=True), ledger, dispatch)  # type: ignore[arg-type]
    body = {"jobs": [queued(ledger).id]}
    for own in (None, "root"):
        found = problem(Http(app, token=own).post("/shares", body), 403, "forbidden")
        assert "without --open" in found["detail"]
    hers = {"jobs": [queued(ledger, owner="ana").id]}
    assert of_user(app, "ana").post("/shares", hers).status_code == 201


def test_a_revoked_link_shows_nothing(
    app: Flask,
    ana: Http,
    link: Callable[..., tuple[str, Http]],
    ledger: FadingLedger,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its owner revokes it, or whoever runs the server; nobody else, the link itself least."""
    monkeypatch.setattr(trusted, "TRUSTED_S", 0.0)
    job = queued(ledger, owner="ana").id
    (first, reader), (second, _) = link(job), link(job)
    eve = of_user(app, "eve")
    assert eve.get("/shares").json["shares"] == []
    problem(eve.ask("DELETE", f"/shares/{first}"), 404, "share_not_found")
    problem(reader.ask("DELETE", f"/shares/{first}"), 403, "forbidden")
    assert reader.get("/shared").status_code == 200
    assert ana.ask("DELETE", f"/shares/{first}").status_code == 204
    assert "revoked" in problem(reader.get("/shared"), 401, "unauthorized")["detail"]
    root = Http(app, "root")
    assert [one["id"] for one in root.get("/shares").json["shares"]] == [second]
    assert root.ask("DELETE", f"/shares/{second}").status_code == 204
    problem(root.ask("DELETE", f"/shares/{second}"), 404, "share_not_found")


def test_an_expired_link_says_so(
    link: Callable[..., tuple[str, Http]], ledger: FadingLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unlike one that nobody knows."""
    _, reader = link(queued(ledger, owner="ana").id, expires_s=60)
    assert reader.get("/shared").status_code == 200
    later = clock.now_ms() + 61_000
    monkeypatch.setattr(auth_module, "now_ms", lambda: later)
    assert "expired" in problem(reader.get("/shared"), 401, "unauthorized")["detail"]


def test_it_is_known_when_a_link_was_last_used(
    ana: Http, link: Callable[..., tuple[str, Http]], ledger: FadingLedger
) -> None:
    """And whether at all."""
    _, reader = link(queued(ledger, owner="ana").id)
    assert ana.get("/shares").json["shares"][0]["used_at"] is None
    reader.get("/shared")
    assert ana.get("/shares").json["shares"][0]["used_at"] is not None


def test_a_share_is_no_token_and_a_token_no_share(
    ana: Http, link: Callable[..., tuple[str, Http]], ledger: FadingLedger
) -> None:
    """Neither list has the other; a user's token asks for its jobs and not for what it shows."""
    id, _ = link(queued(ledger, owner="ana").id)
    assert id not in ana.get("/tokens").text
    problem(ana.ask("DELETE", f"/tokens/{id}"), 404, "token_not_found")
    problem(ana.get("/shared"), 404, "share_not_found")


def test_a_popular_link_takes_nothing_of_its_owner_s_allowance(
    settings: Settings, ledger: FadingLedger, dispatch: RecordingDispatch
) -> None:
    """Each link has its own; who asks too often is told when to come again."""
    slow = replace(settings, share_requests_per_s=0.5, requests_per_s=100.0)
    app = create_app(slow, ledger, dispatch)  # type: ignore[arg-type]
    ana = of_user(app, "ana")
    body = {"jobs": [queued(ledger, owner="ana").id]}
    first, second = (Http(app, ana.post("/shares", body).json["token"]) for _ in range(2))
    told = [first.get("/shared").status_code for _ in range(7)]
    assert told == [200] * 5 + [429] * 2
    assert "this link" in first.get("/shared").json["detail"]
    assert int(first.get("/shared").headers["Retry-After"]) >= 1
    assert second.get("/shared").status_code == 200
    assert [ana.get("/jobs").status_code for _ in range(20)] == [200] * 20


def look_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no answer kept for other readers."""
    for name in ("FRESH_S", "REST"):
        monkeypatch.setattr(shares_module, name, 0)


def test_many_readers_are_answered_by_one_look(
    link: Callable[..., tuple[str, Http]], ledger: FadingLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a moment; after that what has changed is there."""
    ref = queued(ledger, owner="ana")
    _, reader = link(ref.id)
    monkeypatch.setattr(shares_module, "FRESH_S", 60)
    first = reader.get("/shared").json
    ledger.claim(ref, worker="lab-7-1f", pid=70)
    assert [reader.get("/shared").json for _ in range(5)] == [first] * 5
    _, other = link(ref.id)
    assert other.get("/shared").json["jobs"][0]["state"] == "running"


def test_what_has_not_changed_is_not_sent_again(
    link: Callable[..., tuple[str, Http]], ledger: FadingLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page asks every second; a job that moves on is there at the next look."""
    look_each_time(monkeypatch)
    ref = queued(ledger, owner="ana")
    _, reader = link(ref.id)
    etag = reader.get("/shared").headers["ETag"]
    again = reader.get("/shared", headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    ledger.claim(ref, worker="lab-7-1f", pid=70)
    moved = reader.get("/shared", headers={"If-None-Match": etag})
    assert (moved.status_code, moved.json["jobs"][0]["state"]) == (200, "running")


def test_a_job_that_is_not_kept_any_more_is_counted(
    app: Flask, ana: Http, ledger: FadingLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a reader knows that there was one."""
    look_each_time(monkeypatch)
    kept, gone = queued(ledger, owner="ana"), finished(ledger, "1" * 64)
    made = ana.post("/shares", {"jobs": [kept.id, gone]}).json
    del ledger._jobs[JobRef("ana", gone)]
    shown = Http(app, made["token"]).get("/shared").json
    assert ([job["id"] for job in shown["jobs"]], shown["gone"]) == ([kept.id], 1)


def test_a_failure_is_shown_in_words(
    link: Callable[..., tuple[str, Http]], ledger: FadingLedger
) -> None:
    """The exception itself is a pickle, and not for whoever has a link."""
    ref = queued(ledger, owner="ana")
    claim = ledger.claim(ref, worker="lab-7-1f", pid=70)
    assert claim is not None
    error = ErrorInfo(type="ValueError", message="no", traceback="Traceback of it")
    stored = StoredResult(media_type=PICKLE, body=b"\x80\x05N.")
    ledger.finish(claim.lease, JobFailed(error=error), stored)
    _, reader = link(ref.id)
    assert reader.get(f"/jobs/{ref.id}").json["error"]["traceback"] == "Traceback of it"
    assert reader.get("/shared").json["jobs"][0]["error"]["message"] == "no"
    problem(reader.get(f"/jobs/{ref.id}/error"), 403, "forbidden")


def test_one_link_holds_so_many_threads_and_no_more(
    app: Flask, link: Callable[..., tuple[str, Http]], ledger: FadingLedger
) -> None:
    """Each output that is followed holds one; another link, and its owner, have theirs still."""
    ref = queued(ledger, owner="ana")
    (_, reader), (_, other) = link(ref.id), link(ref.id)
    path = f"/jobs/{ref.id}/output?follow"
    held = [reader.get(path, buffered=False) for _ in range(MOST_A_SHARE)]
    try:
        assert [one.status_code for one in held] == [200] * MOST_A_SHARE
        problem(reader.get(path), 503, "unavailable")
        held.append(other.get(path, buffered=False))
        assert held[-1].status_code == 200
        held.pop(0).close()
        held.append(reader.get(path, buffered=False))
        assert held[-1].status_code == 200
    finally:
        for one in held:
            one.close()


def test_the_link_is_that_of_the_public_address(
    settings: Settings, ledger: FadingLedger, dispatch: RecordingDispatch
) -> None:
    """Where the server was told one; the token is behind the #, which no browser sends."""
    for told in ("https://lab.example/services/taskkit", "https://lab.example/services/taskkit/"):
        app = create_app(replace(settings, public_url=told), ledger, dispatch)  # type: ignore[arg-type]
        made = of_user(app, "ana").post("/shares", {"jobs": [queued(ledger, owner="ana").id]}).json
        assert made["link"] == f"https://lab.example/services/taskkit/#/shared/{made['token']}"


def test_a_forwarder_says_where_the_page_is(
    ana: Http, settings: Settings, ledger: FadingLedger, dispatch: RecordingDispatch
) -> None:
    """As the one in Jupyter, which is no way to the page for others; the server knows better."""
    body = {"jobs": [queued(ledger, owner="ana").id]}
    said = {"Taskkit-Address": "http://lab:5000"}
    made = ana.post("/shares", body, headers=said).json
    assert made["link"] == f"http://lab:5000/#/shared/{made['token']}"
    told = replace(settings, public_url="https://lab.example/")
    app = create_app(told, ledger, dispatch)  # type: ignore[arg-type]
    made = of_user(app, "ana").post("/shares", body, headers=said).json
    assert made["link"] == f"https://lab.example/#/shared/{made['token']}"


def test_there_is_an_end_to_links(
    ana: Http, ledger: FadingLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one user; who revokes one may make another."""
    monkeypatch.setattr(shares_module, "MOST_SHARES", 2)
    body = {"jobs": [queued(ledger, owner="ana").id]}
    ids = [ana.post("/shares", body).json["id"] for _ in range(2)]
    problem(ana.post("/shares", body), 429, "quota_reached")
    ana.ask("DELETE", f"/shares/{ids[0]}")
    assert ana.post("/shares", body).status_code == 201
