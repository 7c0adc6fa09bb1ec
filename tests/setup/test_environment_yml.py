"""environment.yml: what conda makes ./.env from."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml
from machine import ROOT, Machine
from rattler import MatchSpec
from rattler.exceptions import InvalidMatchSpecError
from small_checkout import TOOL, real_python

FILE = ROOT / "environment.yml"


def parts() -> tuple[list[str], list[str]]:
    """Return conda's and pip's part of the dependencies."""
    dependencies = yaml.safe_load(FILE.read_text())["dependencies"]
    *conda, pip = dependencies
    return conda, pip["pip"]


def generate(root: Path) -> str:
    """Run the generator in a copy of the checkout and return what it wrote."""
    (root / "environment.yml").unlink()
    subprocess.run([sys.executable, "tools/environment_yml.py"], cwd=root, check=True, timeout=30)
    return (root / "environment.yml").read_text()


def test_it_agrees_with_pyproject(machine: Machine) -> None:
    """Generated anew, it is the same file."""
    assert generate(machine.root) == FILE.read_text()


def test_it_follows_pyproject(machine: Machine) -> None:
    """Another range of Pythons there is another range here."""
    project = machine.root / "pyproject.toml"
    project.write_text(project.read_text().replace(">=3.11,<3.14", ">=3.12,<3.15"))
    assert "  - python >=3.12,<3.15\n" in generate(machine.root)


def test_conda_accepts_every_package_of_its_part() -> None:
    """By the parser of conda's own kin, at its strictest, which refuses what is misspelt."""
    conda, _ = parts()
    names = [MatchSpec(spec, strict=True).name.normalized for spec in conda]
    assert names == ["python", "pip"]
    with pytest.raises(InvalidMatchSpecError):
        MatchSpec("python >=3.11,,<3.14", strict=True)


def test_pip_installs_the_locked_set() -> None:
    """The same file as without conda, so the packages are the same."""
    _, pip = parts()
    assert pip == ["-r requirements.lock"]
    assert (FILE.parent / "requirements.lock").is_file()


def conda_creates(root: Path, prefix: Path) -> subprocess.CompletedProcess[str]:
    """Have a conda tool make an environment of a checkout; all packages of this one are there."""
    here = sysconfig.get_paths()["purelib"]
    told = ("--prefix", str(prefix), "--file", str(root / "environment.yml"))
    return subprocess.run(
        [sys.executable, TOOL, "micromamba", real_python(), "create", *told],
        env={**os.environ, "PIP_NO_INDEX": "1", "CONDA_TOOL_HAS": here},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_pip_takes_every_line_of_the_lock(machine: Machine) -> None:
    """As a conda tool hands it over: each is understood, and is what this environment has.

    That the packages themselves have the hashes of the lock, pip has seen when it was made.
    """
    done = conda_creates(machine.root, machine.folder / "whole")
    assert done.returncode == 0, done.stderr
    satisfied = done.stdout.count("Requirement already satisfied: ")
    assert satisfied > 200
    with (machine.root / "requirements.lock").open("a") as file:
        file.write(f"numpy==0.1 --hash=sha256:{'0' * 64}\n")
    assert conda_creates(machine.root, machine.folder / "other").returncode != 0
