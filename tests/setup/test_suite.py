"""`make test` runs tests at the same time, and CI gives each a second chance, which is told."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from machine import ROOT

SUITE = ROOT / "tools" / "suite.py"
PLUGINS = {
    # Loading all that is here takes pytest seconds.
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_PLUGINS": "xdist.plugin,pytest_rerunfailures,pytest_timeout",
}
MARKS = "[pytest]\naddopts = --strict-markers\nmarkers =\n    alone: nothing else may run\n"

TELLS_WHEN = """
import os, time
from pathlib import Path
import pytest

def note(name):
    worker = os.environ.get("PYTEST_XDIST_WORKER", "none")
    with Path("notes").open("a") as notes:
        notes.write(f"{name} {worker}\\n")
"""

SHARED = """
import threading

@pytest.mark.parametrize("n", range(3))
def test_in_a_file(n):
    note("FILE")
    Path("FILE").touch()
    deadline = time.monotonic() + 60
    while not Path("OTHER").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)

@pytest.mark.alone
def test_measures():
    note("alone")
"""

RACES = """
from pathlib import Path
import pytest

@pytest.fixture(scope="module")
def server():
    with Path("servers").open("a") as file:
        file.write("started ")
    yield "up"
    with Path("servers").open("a") as file:
        file.write("stopped ")

def test_before(server):
    assert server == "up"

def test_races(server, tmp_path):
    assert not list(tmp_path.iterdir())
    (tmp_path / "left").touch()
    is_first = not Path("was_here").exists()
    Path("was_here").touch()
    assert not is_first, "it was a race"

def test_after(server):
    assert server == "up"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with tests of its own."""
    (tmp_path / "pytest.ini").write_text(MARKS)
    return tmp_path


def run(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python there, as if no pytest was around."""
    mine = {"PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "PYTEST_CURRENT_TEST", "ARGS"}
    inherited = {name: value for name, value in os.environ.items() if name not in mine}
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**inherited, **PLUGINS, **variables},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def options_of_ci() -> list[str]:
    """Return what CI has pytest do besides."""
    [told] = re.findall(r'ARGS="([^"]*)"', (ROOT / ".ci" / "run").read_text())
    return told.split()


def test_files_run_at_the_same_time_and_what_measures_runs_after_them(folder: Path) -> None:
    """Each file in one process; they wait for one another here."""
    for name, other in (("one", "two"), ("two", "one")):
        text = TELLS_WHEN + SHARED.replace("FILE", name).replace("OTHER", other)
        (folder / f"test_{name}.py").write_text(text)
    ran = run(folder, str(SUITE), "-p", "no:cacheprovider")
    assert ran.returncode == 0, ran.stdout
    notes = [line.split() for line in (folder / "notes").read_text().splitlines()]
    assert notes[-2:] == [["alone", "none"]] * 2
    together = {tuple(note) for note in notes[:-2]}
    assert len(notes[:-2]) == 6
    assert {name for name, _ in together} == {"one", "two"}
    assert {worker for _, worker in together} == {"gw0", "gw1"}


@pytest.mark.parametrize("bad", ["together", "alone"])
def test_a_failure_of_either_turn_fails_the_run(folder: Path, bad: str) -> None:
    """Whatever became of the other, which is run all the same."""
    mark = {"together": "", "alone": "@pytest.mark.alone\n"}
    text = "import pytest\n"
    for name in mark:
        text += f"{mark[name]}def test_{name}():\n    assert {name != bad}\n"
    (folder / "test_it.py").write_text(text)
    ran = run(folder, str(SUITE), "-p", "no:cacheprovider")
    assert ran.returncode == 1
    assert "1 passed" in ran.stdout
    assert "1 failed" in ran.stdout


def test_nothing_that_was_chosen_is_a_failure(folder: Path) -> None:
    """As with pytest; one turn without a test is none."""
    (folder / "test_it.py").write_text("def test_it():\n    pass\n")
    assert run(folder, str(SUITE), "test_it.py").returncode == 0
    assert run(folder, str(SUITE), "-k", "another").returncode == 5


@pytest.mark.parametrize("options", [[], ["-n", "2", "--dist", "loadfile"]])
def test_ci_runs_once_more_what_fails_and_tells(folder: Path, options: list[str]) -> None:
    """With its traceback; what it shares with other tests stays as it was."""
    (folder / "test_it.py").write_text(RACES)
    ran = run(folder, "-m", "pytest", *options, *options_of_ci())
    assert ran.returncode == 0, ran.stdout
    assert "3 passed, 1 rerun" in ran.stdout
    told = ran.stdout.partition("rerun test summary info")[2]
    assert "test_it.py::test_races" in told
    assert "it was a race" in told
    assert (folder / "servers").read_text() == "started stopped "


def test_ci_fails_where_more_fails_than_races_do(folder: Path) -> None:
    """What is broken fails twice; and where much fails at first, no chance is given for ever."""
    (folder / "test_it.py").write_text("def test_it():\n    assert False\n")
    ran = run(folder, "-m", "pytest", *options_of_ci())
    assert ran.returncode == 1
    assert "1 failed, 1 rerun" in ran.stdout
    nine = "@pytest.mark.parametrize('n', range(9))\ndef test_races(n, "
    flaky = RACES.replace("def test_races(", nine).replace('"was_here"', 'f"was_here-{n}"')
    (folder / "test_it.py").write_text(flaky)
    ran = run(folder, "-m", "pytest", *options_of_ci())
    assert ran.returncode == 1
    assert "4 failed, 7 passed, 5 rerun" in ran.stdout


def test_a_second_attempt_has_a_time_limit_too(folder: Path) -> None:
    """What fails at first and then hangs is ended."""
    text = RACES.replace("assert not is_first", "import time; is_first or time.sleep(90); assert 0")
    (folder / "test_it.py").write_text(text)
    (folder / "conftest.py").write_text("from second_attempts import pytest_runtest_setup\n")
    here = {"PYTHONPATH": str(ROOT / "tests")}
    ran = run(folder, "-m", "pytest", "--timeout=2", *options_of_ci(), **here)
    assert ran.returncode == 1
    assert "Timeout (>2.0s)" in ran.stdout
    assert "1 failed, 2 passed, 1 rerun" in ran.stdout


def test_processes_that_run_tests_have_ports_of_their_own(folder: Path) -> None:
    """Below those of outgoing connections, and apart from what a stack chooses by itself."""
    test = "from taskkit.stack.identity import free_port, _PORTS\n" + TELLS_WHEN
    for name in ("one", "two", "three"):
        body = "def test_it():\n    note(' '.join(str(free_port()) for _ in range(50)))\n"
        (folder / f"test_{name}.py").write_text(test + body)
    (folder / "conftest.py").write_text("from ports_apart import pytest_configure\n")
    here = {"PYTHONPATH": str(ROOT / "tests")}
    ran = run(folder, "-m", "pytest", "-n", "3", "--dist", "loadfile", **here)
    assert ran.returncode == 0, ran.stdout
    seen: dict[str, set[int]] = {}
    for line in (folder / "notes").read_text().splitlines():
        *ports, worker = line.split()
        seen.setdefault(worker, set()).update(map(int, ports))
    assert seen.keys() == {"gw0", "gw1", "gw2"}
    everything = [port for ports in seen.values() for port in ports]
    assert len(everything) == len(set(everything))
    assert min(everything) >= 10_000
    assert max(everything) < 20_000
