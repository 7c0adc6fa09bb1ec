"""What the checks make of what they see, without a stack."""

from __future__ import annotations

import doctest
import importlib
import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from taskkit.connection import Connection
from taskkit.doctor import (
    Finding,
    Verdict,
    access,
    address,
    clocks,
    course,
    disk,
    is_sound,
    keeping,
    large,
    notebook,
    origin,
    server,
    workforce,
)
from taskkit.doctor.address import Barrier, Reach
from taskkit.doctor.asking import Answer, Silence, Why
from taskkit.doctor.chart import Chart
from taskkit.doctor.finding import broken, caution, good, unseen
from taskkit.doctor.here import Here
from taskkit.doctor.large import Leg, Parcel
from taskkit.doctor.listener import Heard
from taskkit.doctor.notebook import Surroundings
from taskkit.doctor.origin import Origin
from taskkit.doctor.proxies import Proxy, proxy_of
from taskkit.doctor.redaction import redacted
from taskkit.doctor.route import ROUTE, Hop
from taskkit.doctor.trial import Trial
from taskkit.doctor.walk import walk
from taskkit.doctor.workforce import Workforce
from taskkit.protocol.errors import BlobNotFound, DiskFull
from taskkit.protocol.events import (
    AttemptStarted,
    Event,
    JobSubmitted,
    JobSucceeded,
    ProgressReported,
)
from taskkit.protocol.jobs import (
    AttemptEnd,
    ErrorInfo,
    JobRecord,
    JobState,
    PastAttempt,
    ResultInfo,
)
from taskkit.protocol.workers import WorkerInfo
from taskkit.stack import folders
from taskkit.stack.control import PartStatus

URL = "http://127.0.0.1:5000"
CONNECTION = Connection(URL, "token")
FILE = Origin(is_variable=False, path=Path("/run/connection.json"), has_file=True, file_url=URL)
VARIABLE = replace(FILE, is_variable=True, has_file=False, file_url="")


def answer(status: int, obj: object = None, **headers: str) -> Answer:
    """Return what a server says."""
    return Answer(status=status, headers=headers, body=json.dumps(obj or {}).encode())


def check(found: Finding, verdict: Verdict, said: str, cure: str = "") -> None:
    """It is so, in these words."""
    assert found.verdict is verdict, found
    assert said in found.said
    assert cure in found.cure
    assert bool(found.cure) or verdict not in (Verdict.BROKEN, Verdict.CAUTION)


# The walk


def hop(name: str, found: Finding, needs: str = "") -> Hop:
    """Return a hop that is found so."""
    return Hop(name, lambda chart: (found, chart), needs)


def test_what_lies_behind_a_broken_hop_is_not_looked_at() -> None:
    """Nor what lies behind that; what does not need it is, and the first to blame is named."""
    route = (
        hop("a", broken("no", "mend it")),
        hop("b", good("yes"), "a"),
        hop("c", good("yes"), "b"),
        hop("d", caution("yes, but", "see to it")),
        hop("e", unseen("?"), "d"),
        hop("f", good("yes"), "e"),
    )
    begun: list[str] = []
    found = list(walk(route, Chart(environment={}), on_begin=begun.append))
    assert begun == ["a", "d", "e", "f"]
    assert [f"{one.hop} {one.verdict}" for one in found] == [
        *("a broken", "b not reached", "c not reached"),
        *("d caution", "e unseen", "f good"),
    ]
    assert found[1].said == found[2].said == "not reached: a"
    assert not is_sound(found)
    assert is_sound(found[1:])


@pytest.mark.parametrize(
    "end", [caution("full", "wait", is_dead_end=True), unseen("?", is_dead_end=True)]
)
def test_way_may_end_though_nothing_is_broken(end: Finding) -> None:
    """What is behind was not reached, and nothing is said to be broken."""
    found = list(walk((hop("a", end), hop("b", good("yes"), "a")), Chart(environment={})))
    assert found[1].verdict is Verdict.UNREACHED
    assert is_sound(found)


def test_check_that_hangs_or_breaks_does_not_end_the_walk() -> None:
    """Each is a finding; the others are seen."""
    never = threading.Event()

    def hang(chart: Chart) -> tuple[Finding, Chart]:
        never.wait()
        return good(""), chart

    def slip(chart: Chart) -> tuple[Finding, Chart]:
        raise ZeroDivisionError("a slip")

    route = (Hop("a", hang), Hop("b", slip), hop("c", good("yes")))
    found = list(walk(route, Chart(environment={}), limit_s=0.05))
    never.set()
    check(found[0], Verdict.BROKEN, "nothing is known after 0.05 s", "once more")
    check(found[1], Verdict.BROKEN, "ZeroDivisionError: a slip", "Tell the authors")
    assert found[2].verdict is Verdict.GOOD


def test_no_secret_leaves_the_walk() -> None:
    """Whatever a check says."""

    def tell(chart: Chart) -> tuple[Finding, Chart]:
        said = "token-1 at redis://:hush%21@db and hush!"
        return broken(said, "use token-1"), replace(chart, connection=Connection(URL, "token-1"))

    environment = {"TASKKIT_REDIS_URL": "redis://:hush%21@db"}
    (found,) = walk((Hop("a", tell),), Chart(environment=environment))
    assert found.said == "… at redis://db and …"
    assert found.cure == "use …"
    assert redacted("a token of one letter", ["o"]) == "a token of one letter"


def test_each_hop_needs_one_that_comes_before_it() -> None:
    """Names are unique, too."""
    names = [one.name for one in ROUTE]
    assert len(set(names)) == len(names)
    for place, one in enumerate(ROUTE):
        assert one.needs in ("", *names[:place])


@pytest.mark.parametrize("name", ["clocks", "disk", "here", "notebook", "proxies", "redaction"])
def test_examples_in_docstrings_run(name: str) -> None:
    """As they are written."""
    ran = doctest.testmod(importlib.import_module(f"taskkit.doctor.{name}"))
    assert ran.attempted > 0
    assert ran.failed == 0


# Connection and address


@pytest.mark.parametrize(
    ("given", "connection", "verdict", "said", "cure"),
    [
        (FILE, CONNECTION, Verdict.GOOD, f"{URL}, from /run/connection.json", ""),
        (VARIABLE, CONNECTION, Verdict.GOOD, "from TASKKIT_URL", ""),
        (VARIABLE, Connection(URL), Verdict.GOOD, "without a token", ""),
        (replace(VARIABLE, objection="is foreign"), CONNECTION, Verdict.GOOD, "TASKKIT_URL", ""),
        (
            replace(FILE, objection="/run/c is foreign: rm"),
            CONNECTION,
            Verdict.BROKEN,
            "/run/c",
            "Rem",
        ),
        (VARIABLE, Connection("http://lab:x"), Verdict.BROKEN, "not the address", "looks like"),
        (FILE, Connection(URL, "tökën"), Verdict.BROKEN, "characters that none has", "Copy it"),
    ],
)
def test_connection(
    given: Origin, connection: Connection, verdict: Verdict, said: str, cure: str
) -> None:
    """Where it comes from, or what is wrong with it."""
    check(origin.judge(given, connection), verdict, said, cure)


@pytest.mark.parametrize(
    ("host", "barrier", "said", "cure"),
    [
        ("127.0.0.1", Barrier.REFUSED, "nobody listens at port 5000", "`taskkit up`"),
        (
            "lab",
            Barrier.REFUSED,
            "not by the proxy of http_proxy",
            "Have the server on lab started",
        ),
        ("lab", Barrier.SILENT, "within 3 s", "firewall"),
        ("lab", Barrier.NAME, "nobody knows the host 'lab'", "VPN"),
        ("lab", Barrier.OTHER, "No route", "VPN"),
    ],
)
def test_address_that_cannot_be_reached(host: str, barrier: Barrier, said: str, cure: str) -> None:
    """Each barrier has a cure of its own."""
    reach = Reach(host=host, port=5000, barrier=barrier, words="No route")
    found = address.judge(reach, Here(), VARIABLE, {"http_proxy": "http://cache:3128"})
    check(found, Verdict.BROKEN, said, cure)


def test_part_of_the_stack_that_does_not_run_is_told() -> None:
    """By its supervisor, where that is here."""
    part = PartStatus(name="server", state="restarting", pid=0, uptime_s=0, restarts=3)
    here = Here(url=URL, parts=(part,))
    reach = Reach(host="127.0.0.1", port=5000, barrier=Barrier.REFUSED)
    found = address.judge(reach, here, FILE, {})
    check(found, Verdict.BROKEN, "the stack's server is restarting, restarted 3 times", "logs")


# Proxies

EXCEPTIONS = ["", "*", "lab", ".lab.org", "lab.org", "127.0.0.1", "10.0.0.0/8", "::1", " a, lab ,b"]


@pytest.mark.parametrize("excepted", EXCEPTIONS)
@pytest.mark.parametrize("host", ["lab", "db.lab.org", "lab.org", "127.0.0.1", "10.1.2.3", "::1"])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("variable", ["http_proxy", "HTTPS_PROXY"])
def test_proxy_is_the_one_that_other_programs_take(
    monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str, host: str, excepted: str
) -> None:
    """As websocket-client decides, which asks the environment where it is not told otherwise."""
    from websocket._url import get_proxy_info

    environment = {variable: "http://user:hush@cache:3128", "no_proxy": excepted}
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    theirs, _, _ = get_proxy_info(host, scheme == "https")
    ours = proxy_of(host, scheme, environment)
    assert (ours is not None) == (theirs is not None)
    if ours is not None:
        assert ours == Proxy(variable, "cache:3128")


# What answers


@pytest.mark.parametrize(
    ("live", "said", "cure"),
    [
        (answer(404, server="AirTunes/6"), "HTTP 404 from AirTunes/6", "AirPlay"),
        (answer(200), "something else than taskkit", "free port 5000"),
        (answer(302, location="https://login"), "on to https://login", "the server itself"),
        (answer(502, server="nginx"), "HTTP 502 from nginx", "behind that proxy"),
        (answer(403, {"code": "forbidden"}), "does not go by", "--allow-host 127.0.0.1"),
        (Silence(Why.TIMEOUT, ""), "nothing within 5 s", "on its own machine"),
        (Silence(Why.CUT, "bad line"), "does not speak HTTP: bad line", "https://"),
        (Silence(Why.TLS, "[SSL: WRONG_VERSION_NUMBER]"), "does not speak TLS", f"to {URL}"),
        (Silence(Why.TLS, "handshake failure"), "no secure connection", "TLS settings"),
    ],
)
def test_what_answers_is_no_server(live: Answer | Silence, said: str, cure: str) -> None:
    """What it is instead."""
    check(server.judge(live, URL, Here()), Verdict.BROKEN, said, cure)


def test_server_answers() -> None:
    """With the word that it is expected to say."""
    check(server.judge(answer(200, {"status": "live"}), URL, Here()), Verdict.GOOD, "answers")


# Redis


@pytest.mark.parametrize(
    ("detail", "free_bytes", "cure"),
    [
        ("Redis refuses to work (OOM command not allowed)", None, "raise its maxmemory"),
        ("Redis refuses to work (MISCONF errors writing)", None, "Make room on the disk"),
        ("Redis does not answer (refused)", 0, "Make room on the disk of Redis (/data)"),
        ("Redis does not answer (refused)", 10**10, "`taskkit logs`"),
    ],
)
def test_redis_that_does_not_serve(detail: str, free_bytes: int | None, cure: str) -> None:
    """Why, as far as it tells, and what it needs."""
    here = Here(url=URL, data=Path("/data"))
    found = keeping.judge_redis(answer(503, {"detail": detail}), here, free_bytes)
    check(found, Verdict.BROKEN, detail, cure)


def test_redis_of_somebody_else() -> None:
    """The variable that the server reads is named."""
    found = keeping.judge_redis(Silence(Why.TIMEOUT, ""), Here())
    check(found, Verdict.BROKEN, "within 5 s", "TASKKIT_REDIS_URL")


def test_persistence() -> None:
    """Sentences of the ledger's, parted into what is and what to do."""
    check(keeping.judge_persistence(None, ()), Verdict.GOOD, "appendfsync always")
    refused = "Redis at db drops jobs (maxmemory-policy allkeys-lru): set maxmemory-policy to x."
    found = keeping.judge_persistence(refused, ())
    check(found, Verdict.BROKEN, "(maxmemory-policy allkeys-lru)", "Set maxmemory-policy to x.")
    warnings = (
        "Redis at db loses two seconds; set appendfsync to always.",
        "It hides its settings: unless.",
    )
    found = keeping.judge_persistence(None, warnings)
    check(found, Verdict.CAUTION, "loses two seconds; It hides", "Set appendfsync to always.")


def test_disk() -> None:
    """The fullest one counts."""
    assert folders.MIN_FREE_BYTES == disk.MIN_FREE_BYTES
    wide, low, none = (disk.Room(Path(f"/{n}"), n) for n in (10**11, 2**29, 2**20))
    check(disk.judge([]), Verdict.UNSEEN, "cannot be seen from here")
    check(disk.judge([wide]), Verdict.GOOD, "100 GB are free")
    check(disk.judge([wide, low]), Verdict.CAUTION, "537 MB", "Make room there soon")
    check(disk.judge([none, low]), Verdict.BROKEN, "1 MB", "XDG_DATA_HOME")


# Token and versions

HELLO = {"owner": "ada", "protocol": 1, "version": "1.0"}


@pytest.mark.parametrize(
    ("given", "token", "cure"),
    [
        (VARIABLE, None, "Set TASKKIT_TOKEN to the token that whoever"),
        (VARIABLE, "old", "ask whoever runs it for another"),
        (replace(FILE, has_own_token=True), "old", "Unset TASKKIT_TOKEN: /run/connection.json"),
        (replace(FILE, is_variable=True), None, "Unset TASKKIT_URL: /run/connection.json"),
    ],
)
def test_token_that_is_refused(given: Origin, token: str | None, cure: str) -> None:
    """The cure depends on where it came from."""
    refused = answer(401, {"detail": "no such token"})
    check(access.judge_token(refused, given, URL, token), Verdict.BROKEN, "no such token", cure)


def test_token_that_is_taken() -> None:
    """Whose it is, and what it lacks of what is usual."""
    found = access.judge_token(answer(200, HELLO), FILE, URL, "token")
    check(found, Verdict.GOOD, "taken: you are 'ada'")
    few = {**HELLO, "scopes": ["submit", "read", "cancel"]}
    check(access.judge_token(answer(200, few), FILE, URL, "t"), Verdict.GOOD, "the scope code")
    found = access.judge_token(answer(500, {}), FILE, URL, "t")
    check(found, Verdict.BROKEN, "HTTP 500", "server's log")


def test_versions() -> None:
    """Another protocol breaks, another release is to be thought of."""
    check(access.judge_versions(HELLO, "1.0"), Verdict.GOOD, "taskkit 1.0, protocol 1")
    check(access.judge_versions(HELLO, "1.1"), Verdict.CAUTION, "1.0 at the server", "==1.0'")
    other = {**HELLO, "protocol": 2}
    check(access.judge_versions(other, "1.0"), Verdict.BROKEN, "protocol 2", "==1.0'")


# Workers


def worker(python: str = "3.11.7", processes: int = 2, jobs: int = 0) -> WorkerInfo:
    """Return a worker that has some jobs."""
    return WorkerInfo(name="w", host="lab", pid=1, processes=processes, python=python, busy=jobs)


@pytest.mark.parametrize(
    ("workers", "verdict", "said", "cure"),
    [
        ([], Verdict.BROKEN, "none is there", "--url redis://"),
        (
            [worker("3.12.1"), worker("3.13.0")],
            Verdict.BROKEN,
            "3.12 and 3.13, this is 3.11",
            "Use",
        ),
        ([worker(), worker("3.12.1")], Verdict.CAUTION, "some run Python 3.12", "Python 3.11."),
        ([worker(jobs=2)], Verdict.CAUTION, "all 2 processes of 1 worker are busy", "Wait"),
        ([worker(jobs=2), worker()], Verdict.GOOD, "2 workers, 2 of 4 processes free", ""),
    ],
)
def test_workers(workers: list[WorkerInfo], verdict: Verdict, said: str, cure: str) -> None:
    """Whether one is there for what a notebook sends."""
    check(workforce.judge(Workforce(workers, "3.11"), Here()), verdict, said, cure)


def test_any_python_runs_named_tasks() -> None:
    """Where the token allows no functions, the kernel's own Python does not matter."""
    found = workforce.judge(Workforce([worker("3.12.1")], "3.11", is_code=False), Here())
    check(found, Verdict.GOOD, "2 of 2 processes free")


@pytest.mark.parametrize(
    ("workers", "verdict", "said", "cure"),
    [
        ([], Verdict.BROKEN, "no worker is there any more", "Add a worker"),
        ([worker("3.12.1")], Verdict.BROKEN, "the workers run Python 3.12", "Use a kernel"),
        ([worker(jobs=2)], Verdict.CAUTION, "all 2 processes are busy", "Wait"),
        (
            [worker(jobs=1)],
            Verdict.BROKEN,
            "though only 1 of 2 processes",
            "Start the workers again",
        ),
    ],
)
def test_why_a_job_is_queued(
    workers: list[WorkerInfo], verdict: Verdict, said: str, cure: str
) -> None:
    """No worker, another Python, all busy, or nobody listens to the queue."""
    found = workforce.why_queued(Workforce(workers, "3.11"), 15.2)
    check(found, verdict, said, cure)
    assert "not begun within 15 s" in found.said
    assert not found.lets_through


# The job

RESULT = ResultInfo(media_type="application/json", size_bytes=4)
DONE = JobRecord(
    id="j",
    task="errand",
    state=JobState.SUCCEEDED,
    attempt=1,
    worker="w",
    created_at=1_000_000,
    started_at=1_000_003,
    finished_at=1_000_010,
    result=RESULT,
)
LOGGED: tuple[Event, ...] = (
    JobSubmitted(task="errand", job="j"),
    AttemptStarted(attempt=1, worker="w", job="j"),
    ProgressReported(done=1, job="j"),
    JobSucceeded(result=RESULT, job="j"),
)
TRIAL = Trial(
    answer=answer(200, {}),
    record=DONE,
    sent_at=1000.0,
    accepted_at=1000.004,
    known_at=1000.02,
    result_ms=2.0,
    logged=LOGGED,
    heard=Heard(opened_ms=5.0, events=((1000.014, LOGGED[-1]),)),
)


def with_record(**changes: Any) -> Trial:
    """Return the trial of a job that went otherwise."""
    return replace(TRIAL, record=replace(DONE, **changes))


def test_job_that_went_well_is_measured() -> None:
    """Each hop by itself, in milliseconds."""
    queue, job = course.judge_queue(TRIAL), course.judge_job(TRIAL)
    assert queue.measured == {"submit_ms": pytest.approx(4), "queued_ms": 3}
    assert job.measured == {"run_ms": 7, "result_ms": 2, "all_ms": pytest.approx(20)}
    socket = course.judge_socket(TRIAL)
    # It was made final 10 ms after it was accepted, which was 2 ms after it was sent.
    assert socket.measured == {"open_ms": 5, "event_ms": pytest.approx(2)}
    assert course.judge_log(TRIAL).verdict is Verdict.GOOD


def failed(kind: str) -> Trial:
    """Return the trial of a job that failed so."""
    return with_record(state=JobState.FAILED, error=ErrorInfo(type=kind, message="no"))


@pytest.mark.parametrize(
    ("trial", "said", "cure"),
    [
        (failed("taskkit.PythonMismatch"), "PythonMismatch: no", "Python of this kernel"),
        (failed("ModuleNotFoundError"), "ModuleNotFoundError: no", "same version of taskkit"),
        (failed("MemoryError"), "MemoryError: no", "worker's log"),
        (with_record(state=JobState.RUNNING), "w began it and has not done it", "hangs"),
        (with_record(state=JobState.CANCELLED), "somebody cancelled it", "once more"),
        (replace(TRIAL, result_ms=0.0), "its result cannot be had", "server's log"),
        (
            with_record(
                state=JobState.QUEUED,
                past_attempts=(
                    PastAttempt(attempt=1, end=AttemptEnd.LOST, cause="out of memory", at=0),
                ),
            ),
            "out of memory",
            "worker's log",
        ),
    ],
)
def test_job_that_went_wrong(trial: Trial, said: str, cure: str) -> None:
    """Why, as the record has it."""
    check(course.judge_job(trial), Verdict.BROKEN, said, cure)


@pytest.mark.parametrize(
    ("told", "said", "cure"),
    [
        (Silence(Why.TIMEOUT, "timed out"), "not answered: timed out", "server's log"),
        (answer(503, {"code": "unavailable", "detail": "OOM"}), "OOM", "Make room for Redis"),
        (
            answer(200, {"jobs": [{"problem": {"code": "python_mismatch", "detail": "3.12"}}]}),
            "3.12",
            "`taskkit worker` in this environment",
        ),
        (answer(422, {"code": "x", "detail": "odd"}), "a job is refused: odd", "server's log"),
    ],
)
def test_job_that_is_refused(told: Answer | Silence, said: str, cure: str) -> None:
    """In the server's words."""
    found = course.judge_queue(Trial(answer=told))
    check(found, Verdict.BROKEN, said, cure)


def test_job_that_is_not_allowed() -> None:
    """Nothing is broken by that; nothing behind it is seen."""
    told = answer(200, {"jobs": [{"problem": {"code": "forbidden", "detail": "no code"}}]})
    found = course.judge_queue(Trial(answer=told))
    check(found, Verdict.UNSEEN, "not tried: no code")
    assert not found.lets_through


def test_log_that_lacks_something() -> None:
    """It is named."""
    trial = replace(TRIAL, logged=LOGGED[:2])
    check(course.judge_log(trial), Verdict.BROKEN, "progress_reported, job_succeeded", "lost")


@pytest.mark.parametrize(
    ("heard", "verdict", "said", "cure"),
    [
        (Heard(), Verdict.BROKEN, "last event does not come", "buffering"),
        (
            Heard(objection="as many sockets as it can serve", handshake=101),
            Verdict.CAUTION,
            "refuses the WebSocket: as many sockets",
            "Close notebooks",
        ),
        (
            Heard(objection="x", server="nginx", handshake=400),
            Verdict.CAUTION,
            "400 from nginx",
            "nginx:",
        ),
        (Heard(objection="x"), Verdict.CAUTION, "the connection is cut", "`Upgrade`"),
    ],
)
def test_socket_that_brings_nothing(heard: Heard, verdict: Verdict, said: str, cure: str) -> None:
    """What stands in its way, and that HTTP serves instead."""
    found = course.judge_socket(replace(TRIAL, heard=heard))
    check(found, verdict, said, cure)
    assert ("over HTTP" in found.said) == (verdict is Verdict.CAUTION)


# Clocks


def dated(date: str, sent_at: float, came_at: float) -> Answer:
    """Return an answer of a server with this clock."""
    return Answer(status=200, headers={"date": date}, sent_at=sent_at, came_at=came_at)


def test_clocks_are_compared_within_what_is_certain() -> None:
    """A Date has whole seconds and the way takes time: neither is called a difference."""
    date = "Thu, 01 Jan 1970 00:16:40 GMT"  # 1000 s
    assert clocks.ahead(dated(date, 1001.2, 1001.3), Trial()) == {"server": pytest.approx(-0.2)}
    assert clocks.ahead(dated(date, 1000.1, 1000.2), Trial()) == {"server": 0}
    assert clocks.ahead(dated(date, 940.0, 940.5), Trial()) == {"server": pytest.approx(59.5)}
    assert clocks.ahead(answer(200), TRIAL) == {"ledger": 0}
    late = with_record(created_at=990_000)
    assert clocks.ahead(answer(200), late) == {"ledger": pytest.approx(-10)}


@pytest.mark.parametrize(
    ("found", "verdict", "said"),
    [
        ({}, Verdict.UNSEEN, "does not tell the time"),
        ({"server": 1.9, "ledger": 0.0}, Verdict.GOOD, "this machine, server and ledger agree"),
        ({"server": 65.4}, Verdict.CAUTION, "the server's clock is 65 s ahead of this machine's"),
        ({"server": 0.0, "ledger": -7300.0}, Verdict.CAUTION, "the ledger's clock is 2 h behind"),
        ({"server": 600.0, "ledger": 600.0}, Verdict.CAUTION, "10 min ahead of this machine's and"),
    ],
)
def test_clocks(found: dict[str, float], verdict: Verdict, said: str) -> None:
    """Only a difference above 2 s is told."""
    check(clocks.judge(found), verdict, said, "NTP" if verdict is Verdict.CAUTION else "")


# Large values


@pytest.mark.parametrize(
    ("parcel", "verdict", "said", "cure"),
    [
        (
            Parcel(store_ms=3, worker_ms=9, is_shared=True),
            Verdict.GOOD,
            "own folder in 3 ms, by",
            "",
        ),
        (Parcel(store_ms=3), Verdict.GOOD, "over HTTP in 3 ms", ""),
        (
            Parcel(lost_on=Leg.STORE, error=BlobNotFound()),
            Verdict.CAUTION,
            "40 MiB",
            "TASKKIT_BLOBS",
        ),
        (Parcel(lost_on=Leg.STORE, error=DiskFull()), Verdict.BROKEN, "no room", "Make room"),
        (Parcel(lost_on=Leg.STORE, error=OSError("cut")), Verdict.BROKEN, "from the server", "URL"),
        (Parcel(lost_on=Leg.WORKER, error=OSError("cut")), Verdict.BROKEN, "worker", "workers"),
    ],
)
def test_large_values(parcel: Parcel, verdict: Verdict, said: str, cure: str) -> None:
    """On which part of the way they are lost."""
    check(large.judge(parcel), verdict, said, cure)


# The notebook's side

VERSIONS = {
    "ipykernel": "7.4.0",
    "ipywidgets": "8.1.9",
    "jupyterlab_widgets": "3.0.17",
    "jupyterlab": "4.6.6",
    "jupyter-server-proxy": "4.6.0",
}
WANTED = {"ipywidgets": "<9,>=8.1.9", "jupyter-server-proxy": ">=4.6,<5"}
ALL = Surroundings(versions=VERSIONS, wanted=WANTED, kernels=("python3",), prefix="/env")


def without(*names: str) -> Surroundings:
    """Return an environment that lacks some packages."""
    return replace(ALL, versions={n: v for n, v in VERSIONS.items() if n not in names})


OLD = replace(ALL, versions={**VERSIONS, "ipywidgets": "7.7.5", "jupyter-server-proxy": "3.2"})


@pytest.mark.parametrize(
    ("found", "verdict", "said", "cure"),
    [
        (notebook.judge_kernel(ALL), Verdict.GOOD, "python3 (Python", ""),
        (notebook.judge_kernel(without("ipykernel")), Verdict.BROKEN, "no ipykernel", "[notebook]"),
        (
            notebook.judge_kernel(replace(ALL, kernels=())),
            Verdict.CAUTION,
            "known",
            "install --user",
        ),
        (notebook.judge_kernel(without(*VERSIONS)), Verdict.UNSEEN, "no Jupyter is in /env", ""),
        (notebook.judge_panel(ALL), Verdict.GOOD, "ipywidgets 8.1.9", ""),
        (notebook.judge_panel(without("jupyterlab")), Verdict.GOOD, "ipywidgets 8.1.9", ""),
        (
            notebook.judge_panel(without("ipywidgets")),
            Verdict.CAUTION,
            "line of text",
            "[notebook]",
        ),
        (notebook.judge_panel(OLD), Verdict.CAUTION, "ipywidgets 7.7.5", "'ipywidgets<9,>=8.1.9'"),
        (notebook.judge_panel(without("jupyterlab_widgets")), Verdict.BROKEN, "no widgets", "pip"),
        (notebook.judge_panel(without(*VERSIONS)), Verdict.UNSEEN, "no Jupyter", ""),
        (
            notebook.judge_panel(replace(ALL, mode="none")),
            Verdict.CAUTION,
            "nothing of jobs",
            "Unset",
        ),
        (notebook.judge_dashboard(ALL), Verdict.GOOD, "jupyter-server-proxy 4.6.0", ""),
        (notebook.judge_dashboard(without("jupyterlab")), Verdict.UNSEEN, "no JupyterLab", ""),
        (
            notebook.judge_dashboard(without("jupyter-server-proxy")),
            Verdict.CAUTION,
            "no card",
            "pip",
        ),
        (notebook.judge_dashboard(OLD), Verdict.CAUTION, "jupyter-server-proxy 3.2", "pip install"),
    ],
)
def test_notebook(found: Finding, verdict: Verdict, said: str, cure: str) -> None:
    """What an environment has of what a notebook needs."""
    check(found, verdict, said, cure)


def test_what_this_environment_has_is_found() -> None:
    """The tests' own has all of it, and what taskkit asks for is read from its metadata."""
    found = notebook.look({"TASKKIT_PROGRESS": " Plain "})
    assert set(found.versions) == set(notebook.PACKAGES)
    assert "python3" in found.kernels
    assert notebook.fits(found.versions["ipywidgets"], found.wanted["ipywidgets"])
    assert not notebook.fits("7.7.5", found.wanted["ipywidgets"])
    assert found.mode == "plain"


@pytest.mark.parametrize(
    ("version", "wanted", "is_fit"),
    [
        *(("8.1.9", ">=8.1.9,<9", True), ("8.1.8", ">=8.1.9,<9", False), ("9", "<9", False)),
        *(("9.0.0", "<9", False), ("8.10", ">=8.9", True), ("4.6.0rc1", ">=4.6", True)),
        *(("4.6", "==4.6.0", True), ("1.0", "", True)),
    ],
)
def test_versions_are_compared_by_their_numbers(version: str, wanted: str, is_fit: bool) -> None:
    """Not by their letters."""
    assert notebook.fits(version, wanted) is is_fit
