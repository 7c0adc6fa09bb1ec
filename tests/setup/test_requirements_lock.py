"""requirements.lock: every package of ./.env, by version and hash."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import pytest
from machine import ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NAME = PROJECT["project"]["name"]
LOCKS_AND_ENVIRONMENT = ["requirements.lock", "requirements-release.lock", "environment.yml"]
APART = ("bench", "release")
"""Groups that are in no ./.env."""


def locked(name: str = "requirements.lock") -> Iterator[tuple[Requirement, list[str]]]:
    """Yield each requirement of a lock and its hashes."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            requirement, *hashes = line.split("--hash=")
            yield Requirement(requirement), [part.strip() for part in hashes]


def wanted() -> Iterator[Requirement]:
    """Yield all requirements that pyproject.toml states: runtime, extras, groups and build."""
    about = PROJECT["project"]
    lists = [
        about["dependencies"],
        *about["optional-dependencies"].values(),
        *(group for name, group in PROJECT["dependency-groups"].items() if name not in APART),
        PROJECT["build-system"]["requires"],
    ]
    for requirement in (Requirement(text) for part in lists for text in part):
        if canonicalize_name(requirement.name) != NAME:
            yield requirement


LOCKED = list(locked())
RELEASE = list(locked("requirements-release.lock"))


@pytest.mark.parametrize("requirement", sorted(set(wanted()), key=str), ids=str)
def test_the_lock_meets_what_pyproject_asks_for(requirement: Requirement) -> None:
    """A requirement that was added or raised without `make lock` is found here."""
    name = canonicalize_name(requirement.name)
    pins = [pin for pin, _ in LOCKED if pin.name == name]
    assert pins, f"{requirement.name} is not locked: make lock"
    for pin in pins:
        (version,) = pin.specifier
        assert version.operator == "=="
        assert requirement.specifier.contains(version.version, prereleases=True)


def test_what_looks_at_a_release_is_locked_too() -> None:
    """It handles what others install: `make lock` after a change of the group."""
    pins = {pin.name: pin for pin, _ in RELEASE}
    for text in PROJECT["dependency-groups"]["release"]:
        need = Requirement(text)
        (version,) = pins[need.name].specifier
        assert need.specifier.contains(version.version, prereleases=True)


def test_every_locked_package_has_hashes() -> None:
    """One without a hash would be whatever the index sends today."""
    assert len(LOCKED) > 100
    for pin, hashes in [*LOCKED, *RELEASE]:
        assert hashes, pin
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), pin


@pytest.mark.parametrize("python", ["3.11.7", "3.12.1", "3.13.0"])
def test_each_python_gets_one_version_of_each_package(python: str) -> None:
    """Where a package has two pins, their markers exclude each other."""
    machine = {
        "python_version": python.rpartition(".")[0],
        "python_full_version": python,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
        "os_name": "posix",
    }
    names = [pin.name for pin, _ in LOCKED if pin.marker is None or pin.marker.evaluate(machine)]
    assert len(names) == len(set(names))
    assert {canonicalize_name(need.name) for need in wanted()} <= set(names)


@pytest.mark.parametrize("name", LOCKS_AND_ENVIRONMENT)
def test_nothing_points_to_one_machine_or_index(name: str) -> None:
    """No address, no index option and no absolute path: each user's own settings decide."""
    text = (ROOT / name).read_text()
    assert "://" not in text
    assert not re.search(r"--(index|extra-index|find-links|trusted-host)", text)
    assert not re.search(r"(^|[\s\"'=(])/\w", text, re.MULTILINE)
