"""Submissions on their way to a real HTTP server, and what becomes of each."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scripted import Answer, Script, Server, Submission
from waiting import wait_until

from taskkit.client import submitter as submitter_module
from taskkit.client.http import Http
from taskkit.client.submitter import FIRST_JOBS, Request, Submitter
from taskkit.connection import Connection
from taskkit.protocol import wire
from taskkit.protocol.errors import (
    FunctionNotFound,
    InvalidArguments,
    KeyReused,
    PayloadTooLarge,
    QuotaReached,
    TaskkitError,
    Unauthorized,
    Unavailable,
    to_problem,
)
from taskkit.protocol.jobs import JobRecord

FUNCTION = ("d" * 64, "cGlja2xl")


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried again soon."""
    monkeypatch.setattr(submitter_module, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(submitter_module, "LONGEST_WAIT_S", 0.02)


class Wire:
    """One server and one submitter that sends to it."""

    def __init__(self, script: Script) -> None:
        self.server = Server(script)
        self.http = Http(Connection(self.server.url, "token"))
        self.submitter = Submitter(self.http)

    def send(self, *bodies: dict[str, Any], **more: Any) -> list[Submission]:
        """Queue requests together; return who is told of each."""
        told = [Submission() for _ in bodies]
        self.submitter.send(
            [Request(job=job, body=body, **more) for job, body in zip(told, bodies, strict=True)]
        )
        return told

    def bodies(self) -> list[Any]:
        """Return what the server was asked so far."""
        return [body for _, _, body in self.server.asked]


Open = Callable[[Script], Wire]


@pytest.fixture
def open_wire() -> Iterator[Open]:
    """Open a server and a submitter; all are closed at the end."""
    opened: list[Wire] = []

    def open_one(script: Script) -> Wire:
        opened.append(Wire(script))
        return opened[-1]

    yield open_one
    for one in opened:
        one.submitter.stop()
        one.http.close()
        one.server.close()


def accepted(body: dict[str, Any]) -> dict[str, Any]:
    """Return what the server answers to a job that it takes."""
    return {"job": wire.record_to_wire(JobRecord(id=body["key"], task=body["task"], seq=1))}


def refused(error: TaskkitError) -> dict[str, Any]:
    """Return what it answers to one that it does not."""
    return {"problem": to_problem(error)}


def problem(error: TaskkitError) -> Answer:
    """Return the answer to a whole request that is refused."""
    return error.status, to_problem(error)


def accept_all(_method: str, _path: str, body: Any) -> Answer:
    """Take every job."""
    return 200, {"jobs": [accepted(one) for one in body["jobs"]]}


def job(key: str = "k1") -> dict[str, Any]:
    """Return a request."""
    return {"task": "demo", "key": key}


def test_a_submission_is_posted_and_its_record_told(open_wire: Open) -> None:
    """With the token, in the form of several jobs."""
    wire_ = open_wire(accept_all)
    [told] = wire_.send(job())
    record = told.wait().record
    assert record is not None
    assert record.id == "k1"
    assert wire_.server.asked == [("POST", "/jobs", {"jobs": [job()], "functions": {}})]
    assert wire_.server.headers[0]["Authorization"] == "Bearer token"


def test_what_comes_in_meanwhile_travels_together(open_wire: Open) -> None:
    """A request under way holds nobody up: the next one takes all who wait."""
    is_asked, may_answer = threading.Event(), threading.Event()

    def slow(method: str, path: str, body: Any) -> Answer:
        is_asked.set()
        may_answer.wait(30)
        return accept_all(method, path, body)

    wire_ = open_wire(slow)
    told = wire_.send(job("k0"))
    assert is_asked.wait(30)
    for n in range(1, 6):
        told += wire_.send(job(f"k{n}"))
    may_answer.set()
    ids = [one.wait().record.id for one in told]  # type: ignore[union-attr]
    assert ids == [f"k{n}" for n in range(6)]
    assert [len(body["jobs"]) for body in wire_.bodies()] == [1, 5]


def test_the_first_of_many_travel_before_the_others(open_wire: Open) -> None:
    """A few, then twice as many each time; and again so after a pause."""
    wire_ = open_wire(accept_all)
    for _ in range(2):
        for one in wire_.send(*(job(f"k{n}") for n in range(100))):
            one.wait()
        wire_.submitter.wait_idle(30)
    assert [len(body["jobs"]) for body in wire_.bodies()] == [8, 16, 32, 44] * 2


def test_a_loop_lets_its_first_jobs_go(open_wire: Open) -> None:
    """Though who submits keeps the interpreter: here, for as long as it likes."""
    wire_ = open_wire(accept_all)
    wire_.send(job())[0].wait()
    wire_.submitter.wait_idle(30)
    interval_s = sys.getswitchinterval()
    sys.setswitchinterval(10.0)
    try:
        told = [one for n in range(100) for one in wire_.send(job(f"k{n}"))]
    finally:
        sys.setswitchinterval(interval_s)
    for one in told:
        one.wait()
    assert len(wire_.bodies()[1]["jobs"]) < FIRST_JOBS


def test_the_first_of_several_goes_with_the_second(
    open_wire: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they were several the last time; a lone job waits for none but once."""
    wire_ = open_wire(accept_all)
    for one in wire_.send(job("k0"), job("k1")):
        one.wait()
    wire_.submitter.wait_idle(30)
    monkeypatch.setattr(submitter_module, "MOMENT_S", 30.0)
    told = [wire_.send(job("k2"))[0], wire_.send(job("k3"))[0]]
    ids = [one.wait().record.id for one in told]  # type: ignore[union-attr]
    assert ids == ["k2", "k3"]
    wire_.submitter.wait_idle(30)
    monkeypatch.setattr(submitter_module, "MOMENT_S", 0.01)
    wire_.send(job("k4"))[0].wait()
    wire_.submitter.wait_idle(30)
    monkeypatch.setattr(submitter_module, "MOMENT_S", 1000.0)
    wire_.send(job("k5"))[0].wait()
    assert [len(body["jobs"]) for body in wire_.bodies()] == [2, 2, 1, 1]


def test_one_request_has_only_so_many_jobs(
    open_wire: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only so many bytes; one that is larger alone goes alone."""
    monkeypatch.setattr(submitter_module, "FIRST_JOBS", 3)
    monkeypatch.setattr(submitter_module, "MOST_JOBS", 3)
    monkeypatch.setattr(submitter_module, "MOST_BYTES", 10)
    wire_ = open_wire(accept_all)
    for one in wire_.send(*(job(f"k{n}") for n in range(5))):
        one.wait()
    for one in wire_.send(job("a"), job("b"), job("c"), size_bytes=5):
        one.wait()
    for one in wire_.send(job("d"), size_bytes=11):
        one.wait()
    assert [len(body["jobs"]) for body in wire_.bodies()] == [3, 2, 2, 1, 1]


def test_a_server_that_is_not_ready_is_asked_again(open_wire: Open) -> None:
    """With the same request to the letter, so that its key makes it one."""
    answers = [problem(Unavailable("no Redis")), problem(Unavailable("no Redis"))]

    def script(method: str, path: str, body: Any) -> Answer:
        return answers.pop() if answers else accept_all(method, path, body)

    wire_ = open_wire(script)
    [told] = wire_.send(job())
    assert told.wait().error is None
    assert wire_.bodies() == [wire_.bodies()[0]] * 3


def test_a_server_that_is_not_there_is_waited_for() -> None:
    """Nothing listens when the job is submitted; later somebody does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    http = Http(Connection(f"http://127.0.0.1:{port}"))
    submitter = Submitter(http)
    told = Submission()
    submitter.send([Request(job=told, body=job())])
    assert not told.is_told.wait(0.05)
    server = Server(accept_all, port)
    assert told.wait().error is None
    submitter.stop()
    http.close()
    server.close()


def test_each_refusal_goes_to_its_own_job(open_wire: Open) -> None:
    """As the exception that it stands for; the others are accepted."""
    answers: list[Any] = [
        refused(InvalidArguments("size: missing", arguments={"size": "missing"})),
        accepted(job("k2")),
        refused(KeyReused("taken")),
    ]
    wire_ = open_wire(lambda *_: (200, {"jobs": answers}))
    first, second, third = wire_.send(job("k1"), job("k2"), job("k3"))
    assert isinstance(first.wait().error, InvalidArguments)
    assert first.error.details == {"arguments": {"size": "missing"}}  # type: ignore[union-attr]
    assert second.wait().error is None
    assert isinstance(third.wait().error, KeyReused)


def test_a_refused_request_refuses_all_its_jobs_and_no_later_one(open_wire: Open) -> None:
    """A wrong token, say: nothing is tried for ever."""
    answers = [problem(Unauthorized("wrong"))]

    def script(method: str, path: str, body: Any) -> Answer:
        return answers.pop() if answers else accept_all(method, path, body)

    wire_ = open_wire(script)
    for one in wire_.send(job("k1"), job("k2")):
        assert isinstance(one.wait().error, Unauthorized)
    [later] = wire_.send(job("k3"))
    assert later.wait().error is None


@pytest.mark.parametrize(
    "answer", [(200, {"jobs": []}), (200, {"other": 1}), (200, {"jobs": [{"job": {}}]})]
)
def test_an_answer_that_makes_no_sense_is_told(open_wire: Open, answer: Answer) -> None:
    """Nobody waits for ever, and the thread lives on."""
    answers = [answer]

    def script(method: str, path: str, body: Any) -> Answer:
        return answers.pop() if answers else accept_all(method, path, body)

    wire_ = open_wire(script)
    [told] = wire_.send(job())
    assert told.wait().error is not None
    assert wire_.send(job("k2"))[0].wait().error is None


def test_a_request_that_is_too_large_is_split(open_wire: Open) -> None:
    """Into single jobs; only one that is too large alone is refused."""

    def script(method: str, path: str, body: Any) -> Answer:
        is_large = len(body["jobs"]) > 1 or body["jobs"][0]["key"] == "large"
        return problem(PayloadTooLarge()) if is_large else accept_all(method, path, body)

    wire_ = open_wire(script)
    small, large, other = wire_.send(job("small"), job("large"), job("other"))
    assert isinstance(large.wait().error, PayloadTooLarge)
    assert small.wait().error is None
    assert other.wait().error is None


class Functions:
    """A server's side of shipped functions; it can forget them."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    def __call__(self, _method: str, _path: str, body: Any) -> Answer:
        self.known |= set(body["functions"])
        return 200, {"jobs": [self._answer(one) for one in body["jobs"]]}

    def _answer(self, one: dict[str, Any]) -> dict[str, Any]:
        is_known = one["function"] in self.known
        return accepted(one) if is_known else refused(FunctionNotFound(function=one["function"]))


def test_a_function_is_sent_once(open_wire: Open) -> None:
    """Its hash is enough for the jobs that follow."""
    wire_ = open_wire(Functions())
    body = {**job(), "function": FUNCTION[0]}
    for one in wire_.send(body, {**body, "key": "k2"}, function=FUNCTION):
        assert one.wait().error is None
    wire_.send(body, function=FUNCTION)[0].wait()
    assert [body["functions"] for body in wire_.bodies()] == [dict([FUNCTION]), {}]


def test_a_function_that_the_server_forgot_is_sent_again(open_wire: Open) -> None:
    """The notebook notices nothing."""
    server = Functions()
    wire_ = open_wire(server)
    body = {**job(), "function": FUNCTION[0]}
    wire_.send(body, function=FUNCTION)[0].wait()
    server.known.clear()
    [told] = wire_.send(body, function=FUNCTION)
    assert told.wait().error is None
    assert [bool(body["functions"]) for body in wire_.bodies()] == [True, False, True]


def test_a_server_that_never_keeps_a_function_is_not_asked_for_ever(open_wire: Open) -> None:
    """It was sent along: to send it again would change nothing."""
    wire_ = open_wire(lambda *_: (200, {"jobs": [refused(FunctionNotFound(function=FUNCTION[0]))]}))
    [told] = wire_.send({**job(), "function": FUNCTION[0]}, function=FUNCTION)
    assert isinstance(told.wait().error, FunctionNotFound)
    assert len(wire_.bodies()) == 1


def test_closing_refuses_what_the_server_has_not(open_wire: Open) -> None:
    """A job that nobody has is not waited for."""
    wire_ = open_wire(lambda *_: problem(Unavailable("no Redis")))
    [told] = wire_.send(job())
    wire_.submitter.stop()
    assert "closed" in str(told.wait().error)


def test_after_closing_nothing_can_be_submitted(open_wire: Open) -> None:
    """As with the standard library's executors."""
    wire_ = open_wire(accept_all)
    wire_.submitter.stop()
    with pytest.raises(RuntimeError, match="after shutdown"):
        wire_.send(job())


def test_what_there_is_no_room_for_is_sent_again_and_in_order(open_wire: Open) -> None:
    """A few at a time while the user has as many jobs queued as one may have."""
    room = [2]
    taken: list[str] = []

    def script(_method: str, _path: str, body: Any) -> Answer:
        answers = []
        for job in body["jobs"]:
            if room[0] > 0:
                room[0] -= 1
                taken.append(job["key"])
                answers.append(accepted(job))
            else:
                answers.append(refused(QuotaReached("enough")))
        room[0] += 1
        return 200, {"jobs": answers}

    wire_ = open_wire(script)
    told = wire_.send(*({"task": "fit", "key": f"k{n:02}"} for n in range(20)))
    for one in told:
        one.wait()
    assert taken == [f"k{n:02}" for n in range(20)]
    assert max(len(body["jobs"]) for body in wire_.bodies()[1:]) <= 4


def test_a_client_that_is_closed_gives_up_what_there_is_no_room_for(open_wire: Open) -> None:
    """As with a server that is away."""
    wire_ = open_wire(
        lambda *asked: (200, {"jobs": [refused(QuotaReached("enough")) for _ in asked[2]["jobs"]]})
    )
    [told] = wire_.send({"task": "fit", "key": "k"})
    wait_until(lambda: len(wire_.bodies()) > 1)
    wire_.submitter.stop()
    assert isinstance(told.wait().error, Unavailable)
