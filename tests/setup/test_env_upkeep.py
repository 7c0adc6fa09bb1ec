"""tools/env.sh: when a present ./.env is kept, mended or made anew."""

from __future__ import annotations

import pytest
from machine import Machine


def test_a_second_run_does_nothing(machine: Machine) -> None:
    """It is idempotent, and says that it is."""
    machine.make_env()
    calls = machine.calls
    done = machine.make_env()
    assert done.returncode == 0
    assert done.stdout == "env: ./.env is up to date (venv)\n"
    assert machine.calls == calls


def test_the_way_of_the_present_environment_is_kept(machine: Machine) -> None:
    """A tool that turned up later does not throw away what was forced before."""
    machine.has("micromamba", "uv")
    machine.make_env(ENV="venv")
    done = machine.make_env()
    assert done.stdout == "env: ./.env is up to date (venv)\n"


def test_another_way_makes_the_environment_anew(machine: Machine) -> None:
    """Two tools never share one environment."""
    machine.has("uv")
    machine.make_env(ENV="venv")
    (machine.root / ".env" / "left-over").touch()
    assert machine.make_env(ENV="uv").returncode == 0
    assert not (machine.root / ".env" / "left-over").exists()
    assert machine.calls[-2].startswith("uv pip install")


def test_another_python_makes_the_environment_anew(machine: Machine) -> None:
    """PYTHON= is obeyed though everything else is up to date."""
    machine.make_env()
    machine.has_python("python3.12", "3.12.1")
    assert machine.make_env(PYTHON="python3.12").returncode == 0
    assert "python3.12 -m venv checkout/.env" in machine.calls


@pytest.mark.parametrize("name", ["requirements.lock", "environment.yml"])
def test_a_changed_lock_makes_the_environment_anew(machine: Machine, name: str) -> None:
    """Packages that are no longer locked do not stay behind."""
    machine.make_env()
    with (machine.root / name).open("a") as file:
        file.write("# changed\n")
    machine.make_env()
    assert machine.calls.count("python3 -m venv checkout/.env") == 2


def test_a_changed_project_is_only_installed_again(machine: Machine) -> None:
    """A new command in pyproject.toml does not cost a new environment."""
    machine.make_env()
    calls = machine.calls
    with (machine.root / "pyproject.toml").open("a") as file:
        file.write("# changed\n")
    machine.make_env()
    assert machine.calls == [*calls, *calls[-2:]]


def test_a_run_that_failed_half_way_is_repaired(machine: Machine) -> None:
    """The next run starts over, and ends well."""
    machine.has("uv", script=f'test -e "{machine.root}/online" || test "$1" = venv')
    assert machine.make_env().returncode != 0
    assert (machine.root / ".env").is_dir()
    (machine.root / "online").touch()
    done = machine.make_env()
    assert done.returncode == 0, done.stderr
    assert machine.make_env().stdout == "env: ./.env is up to date (uv)\n"


def test_an_environment_without_its_interpreter_is_made_anew(machine: Machine) -> None:
    """An upgrade of the system's Python may take it away."""
    machine.make_env()
    (machine.root / ".env/bin/python").unlink()
    assert machine.make_env().returncode == 0
    assert machine.calls.count("python3 -m venv checkout/.env") == 2


def test_a_moved_environment_is_made_anew(machine: Machine) -> None:
    """The scripts in it still name the old place."""
    machine.make_env()
    machine.root = machine.root.rename(machine.folder / "moved")
    assert machine.make_env().returncode == 0
    assert "python3 -m venv moved/.env" in machine.calls
