"""What cannot be is refused at the start: all of it, by name, with its place and what is near."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from taskkit.config.loading import check, load
from taskkit.protocol.errors import Misconfigured

Write = Callable[..., Path]


def faults(environment: dict[str, str], **given: object) -> list[str]:
    """Return what is said of it, a sentence a line."""
    arguments = {name.replace("__", "."): (f"--{name}", value) for name, value in given.items()}
    with pytest.raises(Misconfigured) as caught:
        load(environment, arguments)
    return [line.strip() for line in str(caught.value).splitlines()]


def test_all_faults_are_told_at_once(write: Write) -> None:
    """Nobody corrects them one start at a time."""
    path = write('[server]\nport = 70000\nmax_socket = 3\n[sevrer]\n[worker]\nbeat_s = "soon"\n')
    said = faults(
        {"TASKKIT_SERVER_PROT": "5", "TASKKIT_SERVER_THREADS": "many"}, server__sweep_s=-1
    )
    assert said == [
        "the configuration cannot be used:",
        "TASKKIT_SERVER_PROT is no setting; did you mean TASKKIT_SERVER_PORT?",
        f"{path}, line 4: [sevrer]: there is no such table; did you mean server?",
        f"{path}, line 3: server.max_socket: there is no such setting; did you mean max_sockets?",
        f"{path}, line 2: server.port: it should be less than or equal to 65535, not 70000",
        "TASKKIT_SERVER_THREADS (server.threads): it should be a valid integer, unable to parse "
        "string as an integer, not 'many'",
        "--server__sweep_s (server.sweep_s): it should be greater than 0, not -1",
        f"{path}, line 6: worker.beat_s: it should be a valid number, unable to parse string as a "
        "number, not 'soon'",
    ]


def test_a_secret_is_in_no_fault(write: Write) -> None:
    """Logs of failed starts are shown around."""
    write('[redis]\nurl = "http://:geheim@lab"\n[server]\ntoken = 7654321\n')
    said = " ".join(faults({}))
    assert "redis://:PASSWORD@HOST" in said
    assert "server.token" in said
    assert "geheim" not in said
    assert "7654321" not in said


def test_settings_that_do_not_go_together_are_told() -> None:
    """Sockets that hold all threads would leave none for requests."""
    assert faults({"TASKKIT_SERVER_THREADS": "96"}) == [
        "[server]: max_sockets (96) must be below threads (96): each socket holds a thread, and "
        "requests need some"
    ]


@pytest.mark.parametrize("text", ["[server\n", "port = \n", "a = 1\na = 2\n"])
def test_what_is_no_toml_says_where(write: Write, text: str) -> None:
    """With the parser's own line."""
    path = write(text)
    [said] = faults({})
    assert said.startswith(f"{path} is not TOML: ")
    assert "line" in said


def test_a_table_must_be_one(write: Write) -> None:
    """`server = 5` is not a server."""
    path = write("server = 5\n")
    assert faults({}) == [f"{path}, line 1: [server] must be a table"]


def test_a_file_alone_can_be_checked(write: Write) -> None:
    """`taskkit config check` looks at no variable."""
    path = write("[limits]\nmax_queued_jobs = 0\n")
    with pytest.raises(Misconfigured, match=r"line 2: limits\.max_queued_jobs: it should be gr"):
        check(path)
    path.write_text("[limits]\nmax_queued_jobs = 1\n")
    assert check(path).configuration.limits.max_queued_jobs == 1
