"""tools/env.sh: how ./.env is made for the first time."""

from __future__ import annotations

import re
import tomllib

import pytest
from machine import ROOT, Machine

WAYS = ("micromamba", "mamba", "conda", "uv")


@pytest.mark.parametrize("first", range(len(WAYS)), ids=WAYS)
def test_the_first_tool_on_path_makes_the_environment(machine: Machine, first: int) -> None:
    """micromamba goes before mamba, conda and uv, and it says which one it took."""
    machine.has(*WAYS[first:])
    done = machine.make_env()
    assert done.returncode == 0, done.stderr
    assert machine.calls[0].split()[0] == WAYS[first]
    assert f"making ./.env with {WAYS[first]}" in done.stdout


def test_without_any_tool_venv_and_pip_make_the_environment(machine: Machine) -> None:
    """Nothing but Python is needed."""
    done = machine.make_env()
    assert done.returncode == 0, done.stderr
    assert machine.calls[0] == "python3 -m venv checkout/.env"
    assert "making ./.env with venv + pip" in done.stdout


@pytest.mark.parametrize(
    ("way", "tool"), [("conda", "micromamba"), ("uv", "uv"), ("venv", "python3")]
)
def test_env_forces_the_way(machine: Machine, way: str, tool: str) -> None:
    """ENV= wins over what is found first."""
    machine.has(*WAYS)
    assert machine.make_env(ENV=way).returncode == 0
    assert machine.calls[0].split()[0] == tool


@pytest.mark.parametrize(
    ("tool", "verb"), [("micromamba", "create"), ("mamba", "env create"), ("conda", "env create")]
)
def test_conda_tools_read_environment_yml(machine: Machine, tool: str, verb: str) -> None:
    """Each tool is called in the form it knows, with absolute paths."""
    machine.has(tool)
    assert machine.make_env().returncode == 0
    assert machine.calls[0] == (
        f"{tool} {verb} --prefix checkout/.env --file checkout/environment.yml"
    )


@pytest.mark.parametrize("way", ["uv", "venv"])
def test_the_locked_set_is_installed_with_its_hashes(machine: Machine, way: str) -> None:
    """A package that is not what was locked is refused."""
    machine.has("uv")
    assert machine.make_env(ENV=way).returncode == 0
    assert "--require-hashes" in machine.calls[1]
    assert "requirements.lock" in machine.calls[1]


@pytest.mark.parametrize("way", ["conda", "uv", "venv"])
def test_the_project_is_installed_last_and_alone(machine: Machine, way: str) -> None:
    """Nothing that it needs or is built by is fetched beside the lock; then it is compiled."""
    machine.has("conda", "uv")
    assert machine.make_env(ENV=way).returncode == 0
    *_, installed, compiled = machine.calls
    assert installed.endswith("--no-deps --no-build-isolation --editable .")
    assert compiled == "env-python -m compileall -q taskkit server worker"


@pytest.mark.parametrize("version", ["3.10.13", "3.14.0", "2.7.18"])
def test_a_python_that_does_not_fit_is_one_clear_sentence(machine: Machine, version: str) -> None:
    """It says what is needed, what is there and what to do, before anything is made."""
    machine.has_python("python3", version)
    done = machine.make_env()
    assert done.returncode == 1
    assert done.stderr == (
        f"env: Python 3.11 to 3.13 is needed, but python3 is {version};"
        " install one, or name it: make env PYTHON=/path/to/python3.11\n"
    )
    assert machine.calls == []


def test_no_python_is_one_clear_sentence(machine: Machine) -> None:
    """uv alone would go and download one."""
    (machine.bin / "python3").unlink()
    machine.has("uv")
    done = machine.make_env()
    assert done.returncode == 1
    assert "Python 3.11 to 3.13 is needed, but python3 is missing;" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_fitting_python_is_found_under_its_own_name(machine: Machine) -> None:
    """An old python3 does not hide the python3.12 beside it."""
    machine.has_python("python3", "3.9.2")
    machine.has_python("python3.12", "3.12.1")
    assert machine.make_env().returncode == 0
    assert machine.calls[0] == "python3.12 -m venv checkout/.env"


def test_a_python_without_ensurepip_names_the_package_to_install(machine: Machine) -> None:
    """Debian ships venv in a package of its own."""
    machine.has_python("python3", lacks_ensurepip=True)
    done = machine.make_env()
    assert done.returncode == 1
    assert "apt-get install python3.11-venv" in done.stderr
    assert not (machine.root / ".env").exists()


def test_an_unknown_way_is_one_clear_sentence(machine: Machine) -> None:
    """It names the value and what is allowed, and nothing is made."""
    done = machine.make_env(ENV="poetry")
    assert done.returncode == 1
    assert done.stderr == (
        "env: ENV=poetry is unknown: use ENV=conda, ENV=uv or ENV=venv, or leave it out\n"
    )
    assert machine.calls == []


@pytest.mark.parametrize("way", ["conda", "uv"])
def test_a_forced_way_that_is_missing_is_one_clear_sentence(machine: Machine, way: str) -> None:
    """No other way is taken behind the user's back."""
    done = machine.make_env(ENV=way)
    assert done.returncode == 1
    assert done.stderr.startswith(f"env: ENV={way}, but ")
    assert len(done.stderr.splitlines()) == 1
    assert not (machine.root / ".env").exists()


def test_a_start_up_file_of_the_shell_is_no_way(machine: Machine) -> None:
    """POSIX shells keep a path in ENV."""
    assert machine.make_env(ENV="/home/ada/.shrc").returncode == 0


def test_a_file_named_env_is_left_alone(machine: Machine) -> None:
    """Some keep their secrets in one."""
    file = machine.root / ".env"
    file.write_text("SECRET=1\n")
    done = machine.make_env()
    assert done.returncode == 1
    assert "./.env is a file" in done.stderr
    assert file.read_text() == "SECRET=1\n"


def test_the_pythons_are_those_of_pyproject() -> None:
    """The script cannot read TOML, so it repeats the bounds."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    script = (ROOT / "tools/env.sh").read_text()
    bounds = dict(re.findall(r"^(oldest|newest)=(\d+)", script, re.MULTILINE))
    assert project["requires-python"] == f">=3.{bounds['oldest']},<3.{int(bounds['newest']) + 1}"
