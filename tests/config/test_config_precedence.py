"""Arguments, then variables, then the file, then defaults; and who is asked for the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from taskkit.config import files, names
from taskkit.config.loading import Loaded, load
from taskkit.config.tables import SETTINGS
from taskkit.protocol.errors import Misconfigured

Write = Callable[..., Path]


def origin(loaded: Loaded, name: str) -> tuple[str, str]:
    """Return who told a setting, and where."""
    found = loaded.origin(next(one for one in SETTINGS if one.name == name))
    return found.kind, found.place


def test_the_stronger_one_holds_and_is_named(write: Write) -> None:
    """Each of the four is seen where the ones above it are silent."""
    path = write("[server]\nport = 1\nthreads = 200\nsweep_s = 3\n")
    environment = {"TASKKIT_SERVER_PORT": "2", "TASKKIT_SERVER_THREADS": "300"}
    loaded = load(environment, {"server.port": ("--port", 3), "server.host": ("--host", None)})
    server = loaded.configuration.server
    assert (server.port, server.threads, server.sweep_s, server.host) == (3, 300, 3.0, "127.0.0.1")
    assert origin(loaded, "server.port") == ("argument", "--port")
    assert origin(loaded, "server.threads") == ("variable", "TASKKIT_SERVER_THREADS")
    assert origin(loaded, "server.sweep_s") == ("file", f"{path}, line 4: server.sweep_s")
    assert origin(loaded, "server.host") == ("default", "")


def test_the_nearest_file_alone_is_read(write: Write, tmp_path: Path) -> None:
    """Named by an argument, by a variable, of this folder, the user's, the machine's."""
    places = [
        write("[server]\nport = 1\n", files.OF_THE_MACHINE),
        write("[server]\nport = 2\n", files.user_file()),
        write("[server]\nport = 3\n"),
        write("[server]\nport = 4\n", tmp_path / "by-variable.toml"),
        write("[server]\nport = 5\n", tmp_path / "by-argument.toml"),
    ]
    named = {names.FILE: str(places[3])}
    assert load(named, {}, path=places[4]).configuration.server.port == 5
    assert load(named, {}).configuration.server.port == 4
    for port in (3, 2, 1):
        loaded = load({}, {})
        assert (loaded.configuration.server.port, loaded.file) == (port, places[port - 1])
        places[port - 1].unlink()
    assert load({}, {}).file is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("a, b", ("a", "b")), ("a,,", ("a",)), ("high", ("high",))],
)
def test_a_variable_tells_several_values_by_commas(text: str, value: tuple[str, ...]) -> None:
    """As lists of queues and tasks are told."""
    assert load({"TASKKIT_WORKER_QUEUES": text}, {}).configuration.worker.queues == value


def test_an_empty_variable_tells_nothing() -> None:
    """As scripts and compose files unset one."""
    loaded = load({"TASKKIT_TOKEN": "", "TASKKIT_SERVER_PORT": " "}, {})
    assert loaded.configuration.server.token is None
    assert loaded.configuration.server.port == 5000


def test_what_kubernetes_sets_for_a_service_is_no_setting() -> None:
    """A service called `taskkit-server` must not keep the pods beside it from starting."""
    environment = {
        "TASKKIT_SERVER_PORT": "tcp://10.0.0.11:5000",
        "TASKKIT_SERVER_PORT_5000_TCP": "tcp://10.0.0.11:5000",
        "TASKKIT_SERVER_PORT_5000_TCP_ADDR": "10.0.0.11",
        "TASKKIT_SERVER_SERVICE_HOST": "10.0.0.11",
        "TASKKIT_SERVER_SERVICE_PORT": "5000",
        "TASKKIT_SERVER_SERVICE_PORT_HTTP": "5000",
    }
    assert load(environment, {}).configuration.server.port == 5000


def test_what_a_job_is_told_is_no_setting() -> None:
    """A server can be started from a job, and from a shell that completes commands."""
    names = ("JOB_ID", "ATTEMPT", "SESSION", "SUPERVISOR_PID", "COMPLETE")
    load({f"TASKKIT_{name}": "x" for name in names}, {})


def test_an_explicit_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """Nobody goes on with other settings than those that were named."""
    for environment, path in (
        ({names.FILE: str(tmp_path / "no.toml")}, None),
        ({}, tmp_path / "no.toml"),
    ):
        with pytest.raises(Misconfigured, match=r"no\.toml cannot be read: No such file"):
            load(environment, {}, path=path)


@pytest.mark.parametrize(("mode", "why"), [(0o602, "can be written by everybody"), (0o600, None)])
def test_a_found_file_that_anybody_can_write_is_refused(
    write: Write, mode: int, why: str | None
) -> None:
    """It could have a worker load code of theirs; one that is named is trusted."""
    path = write("[server]\nport = 3\n", mode=mode)
    if why is None:
        assert load({}, {}).configuration.server.port == 3
        return
    with pytest.raises(Misconfigured, match=why):
        load({}, {})
    assert load({}, {}, path=path).configuration.server.port == 3


def test_a_found_file_of_another_user_is_refused(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in /tmp, where anybody may leave one."""
    path = write("[worker]\ntasks = ['/tmp/evil.py']\n")
    try:
        import os

        os.chown(path, 12345, -1)
    except PermissionError:
        pytest.skip("only root can give a file away")
    with pytest.raises(Misconfigured, match="belongs to another user"):
        load({}, {})
