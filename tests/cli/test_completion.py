"""What the shell completes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from held_jobs import Held, environment
from terminals import TASKKIT, piped

from taskkit.client import Client
from taskkit.protocol.jobs import JobState

Env = dict[str, str]


def completed(line: str, env: Env, shell: str = "fish") -> list[str]:
    """Return what a shell offers at the end of a line."""
    asked = {
        "_TASKKIT_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": line,
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split(" ")) - 1),
    }
    ran = subprocess.run(
        [TASKKIT], env={**env, **asked}, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.stderr == ""
    return [line for line in ran.stdout.splitlines() if line]


@pytest.mark.stack
def test_ids_complete_with_name_and_state(held: Held, env: Env) -> None:
    """Those that a command can do something with."""
    offered = f"{held.job.id[:8]}\theld (running)"
    assert offered in completed("taskkit job ", env)
    assert completed(f"taskkit cancel {held.job.id[:6]}", env) == [offered]
    assert completed(f"taskkit retry {held.job.id[:6]}", env) == []
    assert completed(f"taskkit job {held.job.id[:9]}", env) == [f"{held.job.id}\theld (running)"]
    assert completed(f"taskkit wait {held.job.id[:6]}", env, "bash") == [held.job.id[:8]]


@pytest.mark.stack
def test_a_name_of_the_users_breaks_no_completion(client: Client, env: Env) -> None:
    """Neither as markup nor by its lines."""
    job = client.options(name="[/b] [red]a\nb\x1b[2J").submit(pow, 2, 2)
    job.result(60)
    [line] = completed(f"taskkit job {job.id[:7]}", env)
    assert line.startswith(f"{job.id[:8]}\t(/b) (red)a b")
    assert "\x1b" not in line
    [zsh] = completed(f"taskkit job {job.id[:7]}", env, "zsh")
    assert job.id[:8] in zsh


@pytest.mark.stack
def test_names_complete_where_they_need_no_quotes(client: Client, env: Env) -> None:
    """Each once."""
    for name in ("named-once", "named-once", "named twice"):
        client.options(name=name).submit(pow, 2, 2).result(60)
    assert completed("taskkit jobs --name named", env) == ["named-once"]


def test_states_complete_without_a_stack(tmp_path: Path) -> None:
    """There are always the same."""
    env = environment("", "", tmp_path)
    assert completed("taskkit jobs --state ", env) == [state.value for state in JobState]
    assert completed("taskkit jobs --state s", env) == ["succeeded"]


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9", "nonsense", "http://[::1"])
def test_without_a_server_nothing_is_offered_and_nothing_said(url: str, tmp_path: Path) -> None:
    """Nobody wants a traceback in their prompt."""
    assert completed("taskkit job ", environment(url, "x", tmp_path)) == []


def test_completing_imports_nothing_of_the_client(tmp_path: Path) -> None:
    """It is done at each key."""
    code = (
        "import sys\nfrom taskkit.cli import completion\ncompletion.ids()('')\n"
        "heavy = ('taskkit.client', 'taskkit.panels', 'urllib3', 'socketio', 'asyncio')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    env = environment("http://127.0.0.1:9", "x", tmp_path)
    ran = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


@pytest.mark.alone
@pytest.mark.stack
def test_completing_takes_no_longer_than_a_bare_help_and_a_request(
    client: Client, env: Env
) -> None:
    """The best of a few: the machine may be busy."""
    client.submit(pow, 2, 2).result(60)
    took = []
    for _ in range(5):
        began = time.monotonic()
        assert completed("taskkit job ", env)
        took.append(time.monotonic() - began)
    assert min(took) < 0.6


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_can_be_shown(shell: str, tmp_path: Path) -> None:
    """By typer's own option."""
    env = environment("", "", tmp_path) | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    ran = piped("--show-completion", shell, env=env)
    assert ran.returncode == 0
    assert f"complete_{shell}" in ran.stdout or "_TASKKIT_COMPLETE" in ran.stdout
