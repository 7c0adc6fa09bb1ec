"""Options are checked at once, travel with each submission, and are kept from client to client."""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scripted import LIMIT_S, Answer, Server

import taskkit
from taskkit import Client
from taskkit.client.options import KEPT, checked
from taskkit.protocol import wire
from taskkit.protocol.jobs import JobRecord
from taskkit_server.routes.options import OptionsRequest
from taskkit_server.routes.submissions import JobRequest


class Diverged(Exception):
    """Of a module of the user's own."""


class OfNotebook(Exception):
    """As a cell defines it."""


OfNotebook.__module__ = "__main__"


class Accepting:
    """A server that takes every job, and keeps what was submitted."""

    def __init__(self) -> None:
        self.server = Server(self._answer)
        self.bodies: list[dict[str, Any]] = []

    def _answer(self, _method: str, path: str, body: Any) -> Answer:
        if path == "/hello":
            logs = {"jobs": {"epoch": "e", "seq": 0}}
            return 200, {"protocol": 1, "version": "0", "owner": "local", "logs": logs}
        if path != "/jobs":
            return 404, {}
        self.bodies += body["jobs"]
        return 200, {"jobs": [{"job": self._record(job)} for job in body["jobs"]]}

    def _record(self, job: dict[str, Any]) -> dict[str, Any]:
        options = wire.options_from_wire(job.get("options", {}))
        record = JobRecord(id=uuid.uuid4().hex, task=job["task"], options=options)
        return wire.record_to_wire(record)


@pytest.fixture
def accepting() -> Iterator[Accepting]:
    """A server."""
    opened = Accepting()
    yield opened
    opened.server.close()


@pytest.fixture
def client(accepting: Accepting) -> Iterator[Client]:
    """A client of it, of a session."""
    made = Client(accepting.server.url, session="/home/ada/fit.ipynb")
    yield made
    made.close()


def submitted(accepting: Accepting, client: Client) -> dict[str, Any]:
    """Return what one more submission sends."""
    client.submit("fit").wait_decided(LIMIT_S)
    return accepting.bodies[-1]


def test_a_submission_carries_its_session(accepting: Accepting, client: Client) -> None:
    """And nothing else that was not given."""
    assert client.session == "/home/ada/fit.ipynb"
    assert submitted(accepting, client)["options"] == {"session": "/home/ada/fit.ipynb"}


def test_a_client_without_a_session_sends_no_options(accepting: Accepting) -> None:
    """As curl would."""
    client = Client(accepting.server.url, session="")
    assert "options" not in submitted(accepting, client)
    client.close()


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_session_may_be_named(
    accepting: Accepting, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whoever makes the client, or by the environment."""
    monkeypatch.setenv("TASKKIT_SESSION", "sweep" if how == "environment" else "another")
    named = Client(accepting.server.url, session="sweep" if how == "argument" else None)
    assert submitted(accepting, named)["options"] == {"session": "sweep"}
    named.close()


def test_all_options_travel(accepting: Accepting, client: Client) -> None:
    """In the form of the wire."""
    asking = client.options(
        name="my fit",
        session="sweep",
        key="k1",
        retries=2,
        retry_on=[OSError, Diverged, OfNotebook, taskkit.JobTimedOut, "my_lab.Stuck", OSError],
        timeout_s=60,
        memory_mib=512.5,
        queue="gpu",
        priority=np.int64(-3),
    )
    body = submitted(accepting, asking)
    assert body["key"] == "k1"
    assert body["options"] == {
        "name": "my fit",
        "session": "sweep",
        "retries": 2,
        "retry_on": [
            "OSError",
            f"{__name__}.Diverged",
            "OfNotebook",
            "taskkit.JobTimedOut",
            "my_lab.Stuck",
        ],
        "timeout_s": 60.0,
        "memory_mib": 512.5,
        "queue": "gpu",
        "priority": -3,
    }


def test_options_are_kept_until_given_again(accepting: Accepting, client: Client) -> None:
    """The client that they were given to stays as it was."""
    first = client.options(name="fit", key="k1", timeout_s=60)
    second = first.options(name="again", retries=1)
    third = second.options(key=None, timeout_s=None)
    assert submitted(accepting, second)["options"] == {
        "name": "again",
        "session": client.session,
        "retries": 1,
        "timeout_s": 60.0,
    }
    assert accepting.bodies[-1]["key"] == "k1"
    assert "timeout_s" not in submitted(accepting, third)["options"]
    assert len(accepting.bodies[-1]["key"]) == 32
    assert submitted(accepting, client)["options"] == {"session": client.session}


def test_clients_made_by_options_share_a_connection(accepting: Accepting, client: Client) -> None:
    """None of them greets the server again."""
    client.options(name="a").options(name="b")
    assert [path for _, path, _ in accepting.server.asked] == ["/hello"]


def test_each_job_of_a_map_has_the_options(accepting: Accepting, client: Client) -> None:
    """And its place in its key; the batch is called by the name."""
    batch = client.options(name="sweep", key="k1", retries=1).map("fit", range(3))
    for job in batch.jobs:
        job.wait_decided(LIMIT_S)
    assert [body["key"] for body in accepting.bodies] == ["k1:0", "k1:1", "k1:2"]
    assert {body["options"]["name"] for body in accepting.bodies} == {"sweep"}
    assert {body["options"]["retries"] for body in accepting.bodies} == {1}
    assert batch.title == "sweep"
    assert client.map("fit", []).title == "fit"


def test_a_job_is_called_by_its_name(accepting: Accepting, client: Client) -> None:
    """Also before the server has answered."""
    answer, may_answer = accepting.server.script, threading.Event()
    accepting.server.script = lambda *asked: may_answer.wait(LIMIT_S) and answer(*asked)
    job = client.options(name="my fit").submit(len, "four")
    try:
        assert (job.title, job.task) == ("my fit", "len")
        assert repr(job) == "<Job my fit: queued>"
    finally:
        may_answer.set()
    job.wait_decided(LIMIT_S)
    assert job.title == "my fit"
    assert client.submit("fit").title == "fit"


def test_a_key_that_is_too_long_for_a_map_is_refused_before_anything_is_sent(
    accepting: Accepting, client: Client
) -> None:
    """An item's place is added to it."""
    with pytest.raises(ValueError, match="key has at most 200 characters"):
        client.options(key="k" * 199).map("fit", range(3))
    assert accepting.bodies == []


WRONG: list[tuple[str, Any, type[Exception]]] = [
    ("name", 7, TypeError),
    ("name", None, TypeError),
    ("name", "x" * 201, ValueError),
    ("session", b"/home", TypeError),
    ("session", "x" * 1001, ValueError),
    ("key", 7, TypeError),
    ("key", "", ValueError),
    ("key", "two words", ValueError),
    ("key", "größe", ValueError),
    ("key", "line\n", ValueError),
    ("key", "k" * 201, ValueError),
    ("retries", -1, ValueError),
    ("retries", 1001, ValueError),
    ("retries", 1.5, TypeError),
    ("retries", True, TypeError),
    ("retries", None, TypeError),
    ("retry_on", 7, TypeError),
    ("retry_on", int, TypeError),
    ("retry_on", KeyboardInterrupt, TypeError),
    ("retry_on", ValueError("an instance"), TypeError),
    ("retry_on", [OSError, None], TypeError),
    ("retry_on", "two words", ValueError),
    ("retry_on", "", ValueError),
    ("retry_on", "x" * 301, ValueError),
    ("retry_on", [f"E{n}" for n in range(51)], ValueError),
    ("timeout_s", 0, ValueError),
    ("timeout_s", -1.0, ValueError),
    ("timeout_s", math.inf, ValueError),
    ("timeout_s", math.nan, ValueError),
    ("timeout_s", 32 * 86_400, ValueError),
    ("timeout_s", "60", TypeError),
    ("timeout_s", True, TypeError),
    ("memory_mib", 0, ValueError),
    ("memory_mib", -5, ValueError),
    ("memory_mib", 2**24 + 1, ValueError),
    ("memory_mib", "1 GB", TypeError),
    ("cpus", 0, ValueError),
    ("cpus", 4097, ValueError),
    ("cpus", 1.5, TypeError),
    ("cpus", True, TypeError),
    ("tags", 7, TypeError),
    ("tags", ["gpu", 7], TypeError),
    ("tags", "big mem", ValueError),
    ("tags", [""], ValueError),
    ("tags", [f"t{n}" for n in range(21)], ValueError),
    ("python", 3.11, TypeError),
    ("python", "3.11.7", ValueError),
    ("packages", "numpy", TypeError),
    ("packages", {"numpy": 2}, TypeError),
    ("packages", {"numpy": "newest"}, ValueError),
    ("packages", {"no name": ""}, ValueError),
    ("require_worker", 1, TypeError),
    ("queue", "", ValueError),
    ("queue", "GPU", ValueError),
    ("queue", "a b", ValueError),
    ("queue", "gpu\n", ValueError),
    ("queue", "q" * 51, ValueError),
    ("queue", None, TypeError),
    ("priority", 101, ValueError),
    ("priority", -101, ValueError),
    ("priority", 0.5, TypeError),
    ("priority", None, TypeError),
]


@pytest.mark.parametrize(("name", "value", "error"), WRONG)
def test_what_cannot_be_is_refused_at_once_by_its_name(
    client: Client, name: str, value: Any, error: type[Exception]
) -> None:
    """In the cell that made the mistake; nothing was sent."""
    with pytest.raises(error, match=rf"^{name} .*; this is "):
        client.options(**{name: value})


RIGHT: list[tuple[str, Any, Any]] = [
    ("name", "x" * 200, "x" * 200),
    ("name", "größe\n", "größe\n"),
    ("session", "x" * 1000, "x" * 1000),
    ("key", "!" + "k" * 198 + "~", "!" + "k" * 198 + "~"),
    ("key", None, None),
    ("retries", 1000, 1000),
    ("retries", np.int64(3), 3),
    ("retry_on", (), ()),
    ("retry_on", Diverged, (f"{__name__}.Diverged",)),
    ("retry_on", "x" * 300, ("x" * 300,)),
    ("retry_on", (f"E{n}" for n in range(50)), tuple(f"E{n}" for n in range(50))),
    ("timeout_s", 31 * 86_400, 31 * 86_400.0),
    ("timeout_s", np.float32(0.5), 0.5),
    ("timeout_s", None, None),
    ("memory_mib", 2**24, 2.0**24),
    ("cpus", 4096, 4096),
    ("cpus", None, None),
    ("tags", "gpu", ("gpu",)),
    ("tags", ["lab", "gpu", "lab"], ("gpu", "lab")),
    ("python", "3.11", "3.11"),
    ("packages", {"Scikit_Learn": ">=1", "a": ""}, {"a": "", "scikit-learn": ">=1"}),
]


@pytest.mark.parametrize(("name", "value", "sent"), RIGHT)
def test_what_can_be_is_taken_here_and_by_the_server(name: str, value: Any, sent: Any) -> None:
    """As plain Python objects, up to the same limits."""
    taken = checked({name: value})[name]
    assert (taken, type(taken)) == (sent, type(sent))
    accept_by_server(name, taken)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, value, error in WRONG if error is ValueError]
)
def test_what_is_refused_here_the_server_would_refuse(name: str, value: Any) -> None:
    """No limit here is narrower than there."""
    names = [value] if name == "retry_on" and isinstance(value, str) else value
    with pytest.raises(ValidationError):
        accept_by_server(name, names)


def accept_by_server(name: str, value: Any) -> None:
    """Have the server's own model read an option."""
    if name == "key":
        JobRequest.model_validate({"task": "fit", "key": value})
    else:
        OptionsRequest.model_validate({name: value})


def test_what_is_kept_is_not_among_the_given() -> None:
    """The default says so where a reader meets it."""
    assert checked({"name": KEPT, "retries": 1}) == {"retries": 1}
    assert repr(KEPT) == "KEPT"
