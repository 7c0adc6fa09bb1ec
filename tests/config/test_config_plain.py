"""What a stack tells its parts is read without pydantic, and means what it always does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import taskkit_server.configured
import taskkit_server.settings
import taskkit_worker.configured
import taskkit_worker.settings
from taskkit.config.loading import load
from taskkit.config.plain import plain
from taskkit.protocol.errors import Misconfigured

Write = Callable[..., Path]
Told = dict[str, tuple[str, Any]]

ENVIRONMENT = {
    "TASKKIT_REDIS_URL": "redis://:p@127.0.0.1:20000/0",
    "TASKKIT_BLOBS": "/data/blobs",
    "TASKKIT_TOKEN": "t",
    "TASKKIT_SIGNING_KEYS_FILE": "/data/keys",
    "TASKKIT_SUPERVISOR_PID": "1",
    "HOME": "/root",
}
"""As of a stack's part, see `taskkit.stack.parts`."""


def server(environment: Mapping[str, str], arguments: Told) -> Any:
    """Return a server's settings without pydantic; None where that does not do."""
    return taskkit_server.settings.of_a_stack(
        plain(environment, arguments, taskkit_server.settings.OF_A_STACK)
    )


def worker(environment: Mapping[str, str], arguments: Told) -> Any:
    """Return a worker's likewise."""
    return taskkit_worker.settings.of_a_stack(
        plain(environment, arguments, taskkit_worker.settings.OF_A_STACK)
    )


def arguments(**given: Any) -> Told:
    """Return parsed arguments; ``server_port=1`` is ``server.port``."""
    return {name.replace("_", ".", 1): (f"--{name}", value) for name, value in given.items()}


def test_what_a_stack_tells_is_enough() -> None:
    """The usual case is the quick one."""
    assert server(ENVIRONMENT, arguments(server_host="127.0.0.1", server_port=20001)) is not None
    assert worker(ENVIRONMENT, arguments(worker_concurrency=2, worker_tasks=["a.py"])) is not None


VALUES = {
    "TASKKIT_REDIS_URL": st.sampled_from(
        ["redis://h", "rediss://h/0", "unix:///s", "http://h", "h", " ", " redis://h"]
    ),
    "TASKKIT_BLOBS": st.sampled_from(["/b", "s3://b", "", " "]),
    "TASKKIT_TOKEN": st.sampled_from(["t", " t ", "", "\t"]),
    "TASKKIT_TOKEN_FILE": st.just("/nowhere"),
    "TASKKIT_SERVER_PORT": st.just("5001"),
    "TASKKIT_WORKER_FINISH_S": st.just("1"),
    "TASKKIT_PROGRESS": st.just("plain"),
    "TASKKIT_NO_SUCH": st.just("1"),
    "TASKKIT_SERVER_PORT_5000_TCP": st.just("tcp://10.0.0.1:5000"),
}
ENVIRONMENTS = st.fixed_dictionaries(
    {"TASKKIT_REDIS_URL": VALUES["TASKKIT_REDIS_URL"]},
    optional={name: value for name, value in VALUES.items() if name != "TASKKIT_REDIS_URL"},
)
NONE = st.none()
OF_SERVER = st.builds(
    arguments,
    server_host=NONE | st.sampled_from(["127.0.0.1", "::1", "localhost", "0.0.0.0", "lab", ""]),
    server_port=NONE | st.sampled_from([0, 5000, 65_535, 65_536, -1]),
    server_open=NONE | st.just(True),
    server_trust_redis=NONE | st.just(True),
    server_processes=NONE | st.just(2),
)
OF_WORKER = st.builds(
    arguments,
    worker_concurrency=NONE | st.sampled_from([-1, 0, 1, 8]),
    worker_tasks=NONE | st.sampled_from([["a.py"], ["a", "b"], [""]]),
    worker_queues=NONE | st.just(("gpu",)),
)
SETTINGS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(environment=ENVIRONMENTS, told=OF_SERVER)
@SETTINGS
def test_a_server_has_the_same_settings_either_way(environment: dict[str, str], told: Told) -> None:
    """Where they are read without pydantic at all; what is wrong is never among that."""
    quick = server(environment, told)
    if quick is not None:
        loaded = load(environment, told)
        assert loaded.warnings == ()
        assert quick == taskkit_server.configured.settings_of(loaded.configuration, {})
        trust = told["server.trust_redis"][1]
        assert bool(trust) == loaded.configuration.server.trust_redis


@given(environment=ENVIRONMENTS, told=OF_WORKER)
@SETTINGS
def test_a_worker_has_the_same_settings_either_way(environment: dict[str, str], told: Told) -> None:
    """But for its name, which is new each time."""
    quick = worker(environment, told)
    if quick is not None:
        loaded = load(environment, told)
        assert loaded.warnings == ()
        usual = taskkit_worker.configured.settings_of(loaded.configuration)
        for field in quick.__dataclass_fields__:
            if field != "name":
                assert getattr(quick, field) == getattr(usual, field)


def test_a_file_is_read_wherever_it_is(write: Write) -> None:
    """By pydantic, then."""
    write("[server]\nthreads = 64\n")
    assert server(ENVIRONMENT, {}) is None
    assert worker(ENVIRONMENT, {}) is None


@pytest.mark.parametrize("text", ["/no/such/file.toml", "somewhere.toml"])
def test_a_file_that_is_named_and_is_not_there_is_said(text: str) -> None:
    """It is not passed over."""
    environment = ENVIRONMENT | {"TASKKIT_CONFIG": text}
    assert server(environment, {}) is None
    with pytest.raises(Misconfigured):
        load(environment, {})
