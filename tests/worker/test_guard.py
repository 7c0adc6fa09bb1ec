"""A guarded command ends as it would alone, and leaves nothing behind, whoever dies first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from waiting import wait_until

from taskkit_worker.guard import command

GROWS = """
import os, subprocess, sys, time
# In a session of its own, and then in nobody's care: its parent ends at once.
subprocess.run(["sh", "-c", "setsid sleep 600 >/dev/null 2>&1 & echo $! > orphan"], check=True)
open("own", "w").write(str(os.getpid()))
{then}
"""

STARTS = """
import subprocess, sys
from taskkit_worker.guard import command
subprocess.Popen(command([sys.executable, "-c", sys.argv[1]])).wait()
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it needs Linux")


def pid_in(path: Path) -> int:
    """Return the process that has written its number to a file, once it has."""
    wait_until(lambda: path.exists() and path.read_text().strip() != "")
    return int(path.read_text())


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, waited for or not."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize(
    ("then", "code"),
    [("", 0), ("sys.exit(3)", 3), ("os.kill(os.getpid(), 9)", -9), ("os.abort()", -6)],
)
def test_it_ends_as_its_command_and_with_all_that_has_started(
    tmp_path: Path, then: str, code: int
) -> None:
    """By the same code or signal; an orphan in another session is ended as well."""
    words = command([sys.executable, "-c", GROWS.format(then=then)])
    ran = subprocess.run(words, cwd=tmp_path, timeout=60, check=False)
    assert ran.returncode == code
    assert is_gone(pid_in(tmp_path / "orphan"))


def end_starter(starter: psutil.Process) -> None:
    """End who has started the guard, as the kernel does where memory runs out."""
    starter.kill()


def end_guard(starter: psutil.Process) -> None:
    """Ask the guard to end."""
    starter.children()[0].terminate()


@pytest.mark.parametrize("end", [end_starter, end_guard])
def test_all_of_it_ends_with_who_has_started_it(
    tmp_path: Path, end: Callable[[psutil.Process], None]
) -> None:
    """The command and its orphan, though nobody tells them; also where the guard is told."""
    grows = GROWS.format(then="time.sleep(600)")
    with subprocess.Popen([sys.executable, "-c", STARTS, grows], cwd=tmp_path) as starter:
        pids = [pid_in(tmp_path / "own"), pid_in(tmp_path / "orphan")]
        assert not any(map(is_gone, pids))
        end(psutil.Process(starter.pid))
        wait_until(lambda: all(map(is_gone, pids)))


def test_an_interrupt_of_the_group_is_for_the_command(tmp_path: Path) -> None:
    """The guard goes on until the command has ended, which may take its time to clean up."""
    cleans = (
        "try:\n    time.sleep(600)\nexcept KeyboardInterrupt:\n"
        "    time.sleep(0.2); open('cleaned', 'w').close(); sys.exit(7)"
    )
    words = command([sys.executable, "-c", GROWS.format(then=cleans)])
    with subprocess.Popen(words, cwd=tmp_path, start_new_session=True) as guard:
        pid_in(tmp_path / "own")
        os.killpg(guard.pid, signal.SIGINT)
        assert guard.wait(60) == 7
    assert (tmp_path / "cleaned").exists()


def test_nothing_of_its_folder_is_taken_for_its_own(tmp_path: Path) -> None:
    """A notebook may have a `psutil.py` beside it."""
    (tmp_path / "psutil.py").write_text("raise SystemExit('a stranger')")
    words = command([sys.executable, "-c", "print('ran')"])
    ran = subprocess.run(
        words, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
    )
    assert ran.stdout == "ran\n"
