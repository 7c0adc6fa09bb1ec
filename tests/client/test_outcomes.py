"""What a final record means for a future, and a link that ties all parts together."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Iterator
from typing import Any

import cloudpickle
import pytest
from scripted import LIMIT_S, Answer, Server

from taskkit import Client
from taskkit.client import deferred, fetcher, job
from taskkit.client.http import Http
from taskkit.client.own_blobs import OwnBlobs
from taskkit.client.results import exception_of, is_inline, value_of
from taskkit.connection import Connection
from taskkit.protocol import wire
from taskkit.protocol.errors import (
    BY_NAME,
    InvalidArguments,
    JobLost,
    JobNotFound,
    JobTimedOut,
    RemoteError,
    RemoteTraceback,
    Unavailable,
    to_problem,
)
from taskkit.protocol.jobs import ErrorInfo, JobRecord, JobState, ResultInfo

ID = "a" * 32
RAN = "Traceback (most recent call last):\n  in fit\nValueError: no\n"


class Store:
    """A server that has one job and what is stored of it."""

    def __init__(self) -> None:
        self.record = JobRecord(id=ID, task="fit")
        self.stored: dict[str, tuple[str, bytes]] = {}
        self.failures: list[Answer] = []
        self.server = Server(self._answer)
        self.http = Http(Connection(self.server.url))

    def _answer(self, _method: str, path: str, _body: Any) -> Answer:
        if path == "/hello":
            logs = {"jobs": {"epoch": "e", "seq": 9}}
            return 200, {"protocol": 1, "version": "0", "owner": "local", "logs": logs}
        if path == f"/jobs/{ID}":
            return 200, wire.record_to_wire(self.record)
        if path.startswith("/jobs/") and self.failures:
            return self.failures.pop()
        found = self.stored.get(path)
        return (200, found) if found else (404, to_problem(JobNotFound("nothing is stored")))

    def succeeds(self, value: object, *, is_inline: bool = False) -> JobRecord:
        """Let the job return a value that travels as a pickle."""
        body = cloudpickle.dumps(value)
        inline = base64.b64encode(body).decode() if is_inline else None
        info = ResultInfo(media_type=wire.PICKLE, size_bytes=len(body), inline=inline)
        self.stored[f"/jobs/{ID}/result"] = (wire.PICKLE, body)
        self.record = JobRecord(id=ID, task="fit", state=JobState.SUCCEEDED, seq=4, result=info)
        return self.record

    def fails(self, error: ErrorInfo, pickled: bytes | None = None) -> JobRecord:
        """Let the job raise."""
        if pickled is not None:
            self.stored[f"/jobs/{ID}/error"] = (wire.PICKLE, pickled)
        self.record = JobRecord(id=ID, task="fit", state=JobState.FAILED, seq=4, error=error)
        return self.record


@pytest.fixture
def store() -> Iterator[Store]:
    """A server with one job."""
    opened = Store()
    yield opened
    opened.http.close()
    opened.server.close()


def test_a_small_value_is_in_the_event_itself(store: Store) -> None:
    """Nothing is asked of the server."""
    record = store.succeeds({1, 2}, is_inline=True)
    assert is_inline(record)
    assert value_of(record, store.http, OwnBlobs(store.http)) == {1, 2}
    assert store.server.asked == []


def test_a_large_value_is_fetched(store: Store) -> None:
    """Once."""
    record = store.succeeds({1, 2})
    assert not is_inline(record)
    assert value_of(record, store.http, OwnBlobs(store.http)) == {1, 2}
    assert [path for _, path, _ in store.server.asked] == [f"/jobs/{ID}/result"]


def test_json_comes_back_as_the_value_that_it_was(store: Store) -> None:
    """As a client in another language reads it, too."""
    store.stored[f"/jobs/{ID}/result"] = (wire.JSON, '{"größe":[1,2.5]}'.encode())
    info = ResultInfo(media_type=wire.JSON, size_bytes=20)
    record = JobRecord(id=ID, task="fit", state=JobState.SUCCEEDED, result=info)
    assert value_of(record, store.http, OwnBlobs(store.http)) == {"größe": [1, 2.5]}


def test_an_exception_comes_with_where_it_was_raised(store: Store) -> None:
    """The task's own, and the worker's traceback as its cause."""
    info = ErrorInfo(type="ValueError", message="no", traceback=RAN)
    error = exception_of(store.fails(info, pickle.dumps(ValueError("no"))), store.http)
    assert type(error) is ValueError
    assert error.args == ("no",)
    assert isinstance(error.__cause__, RemoteTraceback)
    assert error.__cause__.text == RAN
    assert "in fit" in str(error.__cause__)


@pytest.mark.parametrize(
    "pickled",
    [None, b"no pickle", b"cno_such_module\nDiverged\n.", pickle.dumps("not an exception")],
    ids=["not stored", "broken", "unknown class", "no exception"],
)
def test_an_exception_that_cannot_be_had_is_told_in_words(
    store: Store, pickled: bytes | None
) -> None:
    """Its name and message, its class for programs, and the traceback all the same."""
    info = ErrorInfo(type="my_lab.Diverged", message="at step 7", traceback=RAN)
    error = exception_of(store.fails(info, pickled), store.http)
    assert type(error) is RemoteError
    assert str(error) == "my_lab.Diverged: at step 7"
    assert error.details == {"type": "my_lab.Diverged"}
    assert isinstance(error.__cause__, RemoteTraceback)


def test_a_lost_job_says_how_each_attempt_died(store: Store) -> None:
    """No traceback: nobody was there to write one."""
    info = ErrorInfo(type="taskkit.JobLost", message="attempt 1: signal 9 (SIGKILL)")
    error = exception_of(store.fails(info), store.http)
    assert type(error) is JobLost
    assert str(error) == f"job {ID}: attempt 1: signal 9 (SIGKILL)"
    assert error.__cause__ is None


@pytest.mark.parametrize("name", BY_NAME)
def test_an_error_of_taskkits_own_is_known_by_its_name(store: Store, name: str) -> None:
    """Whichever it is: the class, the job, what happened, and where if anybody could tell."""
    info = ErrorInfo(type=name, message="after 60 s", traceback=RAN)
    error = exception_of(store.fails(info), store.http)
    assert type(error) is BY_NAME[name]
    assert str(error) == f"job {ID}: after 60 s"
    assert isinstance(error.__cause__, RemoteTraceback)


def test_a_job_that_timed_out_is_a_timeout_of_pythons_too(store: Store) -> None:
    """Ended from outside it left no exception of its own; code that knows no taskkit catches it."""
    info = ErrorInfo(type="taskkit.JobTimedOut", message="it ran for more than 60 s")
    error = exception_of(store.fails(info), store.http)
    assert type(error) is JobTimedOut
    assert isinstance(error, TimeoutError)


class Silent(Exception):
    """An exception that counts as false."""

    def __len__(self) -> int:
        return 0


def test_an_exception_that_counts_as_false_is_raised_all_the_same(store: Store) -> None:
    """It has members, and none of them yet."""
    info = ErrorInfo(type="Silent", message="no")
    assert type(exception_of(store.fails(info, cloudpickle.dumps(Silent())), store.http)) is Silent


@pytest.fixture
def client(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client of that server; what it asks again, it asks again soon."""
    monkeypatch.setattr(deferred, "FIRST_WAIT_S", 0.01)
    opened = Client(store.server.url)
    yield opened
    opened.close()


@pytest.mark.parametrize("is_small", [True, False], ids=["inline", "fetched"])
def test_a_job_found_after_its_end_has_its_value(
    store: Store, client: Client, is_small: bool
) -> None:
    """As after a restart of the kernel; a large one is fetched when it is asked for."""
    store.succeeds([1, 2, 3], is_inline=is_small)
    job = client.job(ID)
    assert job.done()
    assert f"/jobs/{ID}/result" not in [path for _, path, _ in store.server.asked]
    assert job.result(LIMIT_S) == [1, 2, 3]
    assert (f"/jobs/{ID}/result" in [path for _, path, _ in store.server.asked]) is not is_small


def test_a_job_found_after_its_end_raises_its_exception(store: Store, client: Client) -> None:
    """As itself."""
    store.fails(ErrorInfo(type="ValueError", message="no"), pickle.dumps(ValueError("no")))
    with pytest.raises(ValueError, match="no"):
        client.job(ID).result(LIMIT_S)


def test_a_job_found_after_it_was_cancelled_is_cancelled(store: Store, client: Client) -> None:
    """In the eyes of the standard library, too."""
    store.record = JobRecord(id=ID, task="fit", state=JobState.CANCELLED, seq=4)
    job = client.job(ID)
    assert job.cancelled()
    assert job.done()


def test_a_value_is_fetched_as_soon_as_the_server_is_back(store: Store, client: Client) -> None:
    """It was away at the wrong moment; nobody notices."""
    store.succeeds("here")
    store.failures = [(503, to_problem(Unavailable("no Redis")))] * 2
    assert client.job(ID).result(LIMIT_S) == "here"


@pytest.fixture
def _asked_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for is asked for soon, and again soon."""
    monkeypatch.setattr(job, "RECHECK_S", 0.02)
    monkeypatch.setattr(fetcher, "FIRST_WAIT_S", 0.01)


@pytest.mark.usefixtures("_asked_soon")
def test_a_value_is_fetched_when_a_job_ends_that_was_followed(store: Store, client: Client) -> None:
    """By itself, also where the server is away at the wrong moment."""
    found = client.job(ID)
    store.failures = [(503, to_problem(Unavailable("no Redis")))] * 2
    store.succeeds("here")
    assert found.result(LIMIT_S) == "here"
    assert store.failures == []


@pytest.mark.usefixtures("_asked_soon")
def test_an_answer_that_is_none_is_an_exception_and_harms_no_other_job(
    store: Store, client: Client
) -> None:
    """An error page of something on the way, say; the thread that fetches goes on."""
    found, again = client.job(ID), client.job(ID)
    store.failures = [(500, ("text/html", b"<h1>Internal Server Error</h1>"))]
    store.succeeds("here")
    outcomes = [one.exception(LIMIT_S) or one.result(LIMIT_S) for one in (found, again)]
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ServiceError", "str"]


def test_a_value_that_cannot_be_had_is_an_exception(store: Store, client: Client) -> None:
    """Neither a wait without end nor a dead thread; the next job is served."""
    record = store.succeeds("x")
    store.stored.clear()
    with pytest.raises(JobNotFound):
        client.job(ID).result(LIMIT_S)
    store.stored[f"/jobs/{ID}/result"] = (wire.PICKLE, b"cno_such_module\nThing\n.")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        client.job(record.id).result(LIMIT_S)


def test_a_closed_client_brings_no_more(store: Store) -> None:
    """It says so, and what to do; a result that came with the record is there all the same."""
    client = Client(store.server.url)
    store.succeeds("small", is_inline=True)
    small = client.job(ID)
    store.succeeds("large")
    large = client.job(ID)
    client.close()
    assert small.result(LIMIT_S) == "small"
    with pytest.raises(RuntimeError, match=f"the client is closed.* job {ID}"):
        large.result(LIMIT_S)


def test_a_closed_client_takes_no_more(store: Store) -> None:
    """As the standard library's executors say it."""
    client = Client(store.server.url)
    client.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        client.submit(len, [])


def test_a_refusal_of_a_named_task_is_raised_by_submit(store: Store) -> None:
    """In the cell that made the mistake, not in a later one."""
    with Client(store.server.url) as client:
        refusal = InvalidArguments("size: missing")
        answer = store.server.script

        def script(method: str, path: str, body: Any) -> Answer:
            is_post = method == "POST"
            return (422, to_problem(refusal)) if is_post else answer(method, path, body)

        store.server.script = script
        with pytest.raises(InvalidArguments, match="size: missing"):
            client.submit("fit")
