"""What contributors are told, and what looks after it, is whole and says the same."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from installing import ROOT
from schemas import faults

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
PAPERS = ["CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "docs/contributing.md"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.search(r"^\.PHONY:(.*)$", MAKEFILE, re.MULTILINE)[1].split())
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())[
    "repos"
][0]["hooks"]


def steps(workflow: Path) -> list[dict[str, Any]]:
    """Return all steps of a workflow."""
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def recipe(target: str) -> list[str]:
    """Return the commands of a target, with the environment's folder where `$(BIN)` is."""
    lines = re.search(rf"^{target}:[^\n]*\n((?:\t[^\n]*\n)+)", MAKEFILE, re.MULTILINE)
    assert lines
    return [line.strip().replace("$(BIN)", "./.env/bin") for line in lines[1].splitlines()]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_is_of_its_form_and_runs_targets_of_make(workflow: Path) -> None:
    """What CI does, anybody can do; and it runs actions by their hashes alone."""
    assert faults("github-workflows", workflow) == ""
    ran = [shlex.split(step["run"]) for step in steps(workflow) if "run" in step]
    assert ran
    for command in ran:
        assert command[0] == "make" or command[:3] == ["gh", "release", "create"], command
        if command[0] == "make":
            assert set(command[1:]) <= TARGETS
    for step in steps(workflow):
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"]), step
    assert "://" not in workflow.read_text(encoding="utf-8")
    assert "secrets." not in workflow.read_text(encoding="utf-8")


def test_nothing_is_released_before_it_was_tried() -> None:
    """The index comes after the build, which runs what CI runs, and the release's own check."""
    release = yaml.safe_load((GITHUB / "workflows" / "release.yml").read_text(encoding="utf-8"))
    build, index = release["jobs"]["build"], release["jobs"]["index"]
    ran = {
        target
        for step in build["steps"]
        for target in shlex.split(step.get("run", ""))[1:]
    }  # fmt: skip
    assert {"lint", "types", "test", "release-check", "audit"} <= ran
    assert build["env"]["TASKKIT_TAG"] == "${{ github.ref_name }}"
    assert index["needs"] == "build"
    assert index["permissions"] == {"id-token": "write"}
    assert build["permissions"] == {"contents": "read"}
    assert release["permissions"] == {}


def test_the_forms_are_of_their_forms() -> None:
    """For reports, for ideas, and what updates the actions."""
    assert {path.stem for path in FORMS} >= {"bug", "idea"}
    assert faults("github-issue-forms", *FORMS) == ""
    assert faults("github-issue-config", GITHUB / "ISSUE_TEMPLATE" / "config.yml") == ""
    assert faults("dependabot", GITHUB / "dependabot.yml") == ""


def test_a_broken_form_would_be_found(tmp_path: Path) -> None:
    """The schemas are there, and are asked."""
    text = FORMS[0].read_text(encoding="utf-8")
    (tmp_path / "bug.yml").write_text(text.replace("type: textarea", "type: area"))
    assert "area" in faults("github-issue-forms", tmp_path / "bug.yml")


def test_the_hooks_run_what_make_runs() -> None:
    """Of the same environment: no versions of their own that would drift away."""
    entries = [hook["entry"].replace(" --force-exclude", "") for hook in HOOKS]
    wanted = [line.removesuffix(" .") for target in ("lint", "types") for line in recipe(target)]
    assert len(wanted) == 3
    assert entries[: len(wanted)] == wanted
    assert {hook["language"] for hook in HOOKS} == {"system"}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository of a few files with the hooks, which find ours as their environment."""
    for name in (".pre-commit-config.yaml", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".env").symlink_to(Path(sys.executable).parents[1])
    (tmp_path / ".gitignore").write_text("/.env\n")
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "good.py").write_text('"""It is."""\n')
    who = ["-c", "user.name=she", "-c", "user.email=she@example.org"]
    for command in (["init", "--quiet"], ["add", "--all"], [*who, "commit", "--quiet", "-m", "It"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('"""It is."""\n', None),
        ('"""It is."""\n\nimport os\n', "F401"),
        ('"""It is."""\nx  =  1\n', "would be reformatted"),
    ],
    ids=["clean", "unused", "unformatted"],
)
def test_a_commit_is_looked_at(clone: Path, text: str, told: str | None) -> None:
    """By pre-commit itself; what is wrong with it is said, and stops it."""
    (clone / "bench" / "new.py").write_text(text)
    subprocess.run(["git", "add", "--all"], cwd=clone, check=True)
    done = subprocess.run(
        [str(Path(sys.executable).parent / "pre-commit"), "run", "--color=never"],
        cwd=clone,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(clone)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode == 0) == (told is None), done.stdout + done.stderr
    assert (told or "Passed") in done.stdout


@pytest.mark.parametrize("name", [*PAPERS, ".github/PULL_REQUEST_TEMPLATE.md"])
def test_a_paper_names_what_is_there(name: str) -> None:
    """Its links lead to files of ours, the files that it names are there, and so are targets."""
    path = ROOT / name
    text = path.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        assert link.startswith("https://") or (path.parent / link).exists(), link
    for named in re.findall(
        r"`((?:taskkit|server|worker|tests|tools|docs|clients)/[\w./-]+)`", text
    ):
        assert (ROOT / named).exists(), named
    for said in re.findall(r"(?:^|`)make ([a-z][a-z -]*)", text, re.MULTILINE):
        assert set(said.split()) <= TARGETS, said


def test_who_reads_one_finds_the_others() -> None:
    """From the README on."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    contributing = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name in ("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "CITATION.cff"):
        assert f"({name})" in readme, name
    for name in ("SECURITY.md", "CODE_OF_CONDUCT.md", "docs/contributing.md", "docs/design.md"):
        assert f"({name})" in contributing, name
