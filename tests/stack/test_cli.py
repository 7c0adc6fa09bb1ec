"""The commands that start, show and stop a stack."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from taskkit.stack.control import PartStatus
from taskkit.stack.identity import free_port
from taskkit.stack.running import RunningStack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(90)]

CLI = Path(__file__).with_name("standin_cli.py")
Alive = Callable[[dict[str, int]], list[str]]
WaitUntil = Callable[..., None]


@pytest.fixture(autouse=True)
def named_journal(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell the command where its stand-ins write."""
    monkeypatch.setenv("JOURNAL", str(journal))
    monkeypatch.setenv("COLUMNS", "100")


def taskkit(*words: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, str(CLI), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def up(wait_until: WaitUntil) -> Iterator[tuple[subprocess.Popen[str], dict[str, int]]]:
    """Run `taskkit up` in the background; give it and the stack's process ids when it is ready."""
    command = [sys.executable, str(CLI), "up", "--port", str(free_port()), "--workers", "1"]
    connection = Path(os.environ["XDG_RUNTIME_DIR"], "taskkit", "connection.json")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_until(connection.exists)
            running = RunningStack.require()
            yield process, {part.name: part.pid for part in running.parts()} | {"s": running.pid}
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_stops_in_order_when_asked(
    number: signal.Signals, journal: Path, alive: Alive, wait_until: WaitUntil
) -> None:
    """Ctrl-C and SIGTERM end with 0, the last word is said, and no process is left."""
    with up(wait_until) as (process, pids):
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert output.splitlines()[-1].strip() == "stopped; nothing is left running"
    assert alive(pids) == []
    assert journal.read_text().splitlines()[2:] == [
        "worker stops, Redis up",
        "server stops, Redis up",
    ]


def test_up_goes_by_its_file_and_its_parts_read_the_same(
    tmp_path: Path, journal: Path, wait_until: WaitUntil
) -> None:
    """What is typed comes first; the file is found by the parts though it is in no usual place."""
    file, port = tmp_path / "mine.toml", free_port()
    file.write_text(f"[server]\nport = {port}\n[worker]\nconcurrency = 7\n")
    command = [sys.executable, str(CLI), "up", "--config", str(file), "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        try:
            wait_until(Path(os.environ["XDG_RUNTIME_DIR"], "taskkit", "connection.json").exists)
            server = next(part for part in parts() if part.name == "server")
            told = Path(f"/proc/{server.pid}/environ").read_bytes().decode().split("\0")
        finally:
            process.send_signal(signal.SIGTERM)
            output, _ = process.communicate(timeout=30)
    assert f"TASKKIT_CONFIG={file}" in told
    assert f"http://127.0.0.1:{port}" in output
    assert "1 process\n" in output.replace(" \n", "\n")


def parts() -> list[PartStatus]:
    """Return the parts of the stack that runs."""
    stack = RunningStack.find()
    return [] if stack is None else stack.parts()


def test_up_says_what_its_file_cannot_be(tmp_path: Path) -> None:
    """One sentence, before anything is started."""
    file = tmp_path / "mine.toml"
    file.write_text("[server]\nprot = 5001\n")
    ran = taskkit("up", "--config", str(file))
    assert ran.returncode == 1
    assert ran.stderr == (
        f"taskkit: {file}, line 2: server.prot: there is no such setting; did you mean port?\n"
    )
    assert RunningStack.find() is None


def test_up_killed_by_sigkill_leaves_nothing(alive: Alive, wait_until: WaitUntil) -> None:
    """Nobody has to clean up after a closed terminal or the kernel's memory killer."""
    with up(wait_until) as (process, pids):
        process.kill()
        wait_until(lambda: alive(pids) == [])
    wait_until(lambda: RunningStack.find() is None)
    assert taskkit("status").returncode == 1


def test_up_says_which_part_died(alive: Alive, wait_until: WaitUntil) -> None:
    """The terminal shows the death and the restart."""
    with up(wait_until) as (process, pids):
        os.kill(pids["worker"], signal.SIGKILL)
        assert process.stdout is not None
        assert any("ended (terminated by SIGKILL)" in line for line in process.stdout)


def test_detached_stack_is_shown_and_stopped(alive: Alive) -> None:
    """`up --detach` returns when all is ready; `status` shows it, `down` ends it."""
    begun = taskkit("up", "--detach", "--port", str(free_port()), "--workers", "1")
    assert begun.returncode == 0, begun.stderr
    running = RunningStack.require()
    pids = {part.name: part.pid for part in running.parts()} | {"supervisor": running.pid}
    shown = taskkit("status")
    assert shown.returncode == 0
    assert running.token not in shown.stdout + begun.stdout
    for name in ("redis", "server", "worker"):
        assert f"{name}  " in shown.stdout
        assert str(pids[name]) in shown.stdout
    stopped = taskkit("down")
    assert stopped.returncode == 0
    assert alive(pids) == []
    assert RunningStack.find() is None


def test_port_in_use_is_one_sentence() -> None:
    """No traceback of ours: what is wrong, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = taskkit("up", "--port", str(port))
    assert answer.returncode == 1
    assert answer.stderr == (
        f"taskkit: Port {port} is in use by another program: "
        "choose another, e.g. `taskkit up --port 5001`.\n"
    )


def test_data_folder_that_cannot_be_made_is_one_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the folder and the variable that moves it."""
    (home / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(home / "file"))
    answer = taskkit("up", "--port", str(free_port()))
    assert answer.returncode == 1
    assert answer.stderr.startswith(f"taskkit: Cannot write to {home}/file")
    assert "XDG_DATA_HOME" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_external_redis_that_is_away_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its password is not in the message."""
    monkeypatch.setenv("TASKKIT_REDIS_URL", f"redis://:hidden@127.0.0.1:{free_port()}/0")
    command = [sys.executable, "-m", "taskkit", "up", "--port", str(free_port())]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 1
    assert answer.stderr.startswith("taskkit: No Redis answers at redis://127.0.0.1:")
    assert "hidden" not in answer.stderr
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize("words", [["status"], ["logs"], ["worker"], ["server"]])
def test_command_without_a_stack_says_what_to_do(words: list[str]) -> None:
    """One sentence that names the way on, exit code 1."""
    answer = taskkit(*words)
    assert answer.returncode == 1
    assert "taskkit up" in answer.stderr or "--url" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_down_without_a_stack_is_content() -> None:
    """What was wanted is already so."""
    answer = taskkit("down")
    assert (answer.returncode, answer.stdout.strip()) == (0, "no stack is running")
