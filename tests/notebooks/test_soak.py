"""`make notebooks RUNS=… LOAD=…`: runs in a row, on a machine that is kept busy."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
from waiting import wait_until

SOAK = Path(__file__).parents[2] / "tools" / "soak.py"

FAILS_FROM_THE_THIRD_RUN_ON = """
from pathlib import Path

def test_runs():
    with Path("runs").open("a") as runs:
        runs.write("x")
    assert len(Path("runs").read_text()) < 3
"""

GOES_ON_UNTIL_TOLD = """
import time
from pathlib import Path

def test_gate():
    Path("has_begun").touch()
    while not Path("gate").exists():
        time.sleep(0.05)
"""


def soak(folder: Path, test: str, *options: str) -> subprocess.Popen[str]:
    """Soak one test in a folder of its own."""
    (folder / "test_it.py").write_text(test)
    plain = ["-q", "-p", "no:cacheprovider", "test_it.py"]
    command = [sys.executable, str(SOAK), *options, *plain]
    bare = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # loading plugins takes seconds
    return subprocess.Popen(
        command, cwd=folder, env=bare, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def is_alive(process: psutil.Process) -> bool:
    """Return whether a process runs; one that nobody has buried yet does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_it_stops_at_the_first_failure_and_says_what_passed(tmp_path: Path) -> None:
    """With how long each run took; its status is that of pytest."""
    running = soak(tmp_path, FAILS_FROM_THE_THIRD_RUN_ON, "--runs=5")
    told, _ = running.communicate(timeout=100)
    assert running.returncode == 1, told
    assert [line.partition(" after ")[0] for line in told.splitlines() if "run " in line] == [
        "run 1 of 5 passed",
        "run 2 of 5 passed",
        "run 3 of 5 failed with status 1",
    ]
    assert told.splitlines()[-1] == "2 of 5 runs passed, beside 0 busy processes"


def test_the_busy_processes_end_with_it_also_where_it_is_killed(tmp_path: Path) -> None:
    """Nobody is left to end them; each sees for itself that it is alone."""
    running = soak(tmp_path, GOES_ON_UNTIL_TOLD, "--load=2")
    wait_until((tmp_path / "has_begun").exists)
    children = psutil.Process(running.pid).children()
    busy = [child for child in children if "pytest" not in child.cmdline()]
    assert len(busy) == 2
    running.kill()
    running.wait(timeout=10)
    try:
        wait_until(lambda: not any(map(is_alive, busy)))
    finally:
        (tmp_path / "gate").touch()  # pytest itself goes on, and is let go
        psutil.wait_procs(children, timeout=30)
