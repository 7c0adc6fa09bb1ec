"""The Makefile and what CI calls of it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from machine import ROOT, Machine

TEXT = (ROOT / "Makefile").read_text()
TARGETS = set(re.search(r"^\.PHONY:(.*)$", TEXT, re.MULTILINE)[1].split())
MAX_LINES = 10
BASH = shutil.which("bash") or "bash"


def make(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the project, free of the variables and flags of a make around the tests."""
    inherited = {"MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "MAKELEVEL", "ENV"}
    environment = {name: value for name, value in os.environ.items() if name not in inherited}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def test_make_alone_lists_every_target() -> None:
    """The help is built from the comments beside the targets."""
    done = make("make")
    assert done.returncode == 0, done.stderr
    listed = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert len(listed) == len(set(listed))
    assert set(listed) == TARGETS
    assert all(len(line.split()) > 2 for line in done.stdout.splitlines()[1:])


def test_every_rule_is_a_listed_target_of_few_lines() -> None:
    """What needs more room is a script under tools/."""
    rules = re.findall(r"^([a-z][\w./-]*):(?!=)[^\n]*\n((?:\t[^\n]*\n)*)", TEXT, re.MULTILINE)
    assert {name for name, _ in rules} == TARGETS
    assert all(len(recipe.splitlines()) < MAX_LINES for _, recipe in rules)


def test_make_env_hands_the_way_to_the_script() -> None:
    """`make env ENV=…` and `ENV=… make env` mean the same."""
    for command in (["make", "env", "ENV=poetry"], ["env", "ENV=poetry", "make", "env"]):
        done = make(*command)
        assert done.returncode != 0
        assert "env: ENV=poetry is unknown" in done.stderr


def test_ci_calls_make_and_nothing_else(machine: Machine) -> None:
    """What CI does, anybody can do; it runs as CI, and nothing in it can wait for a key."""
    machine.has("make", script='echo "CI=$CI"; if read line; then echo "read $line"; fi')
    done = machine.run(BASH, ".ci/run")
    assert done.returncode == 0, done.stderr
    calls = [call.partition(" ARGS=")[0].split() for call in machine.calls]
    assert done.stdout == "CI=true\n" * len(calls)
    assert calls == [["make", "chromium", "env", "lint", "types", "test"], ["make", "images"]]
    assert {target for _, *targets in calls for target in targets} <= TARGETS


def test_ci_fails_where_make_does(machine: Machine) -> None:
    """A red target is a red run."""
    machine.has("make", script="exit 2")
    assert machine.run(BASH, ".ci/run").returncode == 2
