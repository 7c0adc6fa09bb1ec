"""A newcomer adds a task and a kind of event by docs/contributing.md alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from recipes import Change, apply, changes

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
CHANGES = changes(PAGE)
BIN = Path(sys.executable).parent

LOOKED_AT = [
    "tests/test_architecture.py",
    "tests/protocol",
    "tests/inside/test_checkpoint.py",
    "tests/worker/test_pi.py",
    "tests/worker/test_said.py",
    "tests/worker/test_hearsay.py",
    "tests/server/test_page_routes.py",
    "tests/js/test_js_client.py::test_it_folds_events_as_the_ledger_does",
]
"""What could say that another file has to be touched, and needs no processes."""

DAY = """
import json, urllib.request
import taskkit
from taskkit.inside.checkpoint import checkpoint

def relax(steps):
    for step in range(steps):
        checkpoint(step, path=f"run-{step}.npz")
    return steps

with taskkit.LocalStack(workers=1) as stack:
    client = stack.client()
    job, named = client.submit(relax, 12), client.submit("pi", steps=20)
    results = [job.result(90), named.result(90)]
    asked = urllib.request.Request(f"{stack.url}/events?log=jobs&after=0&limit=1000")
    asked.add_header("Authorization", f"Bearer {stack.token}")
    events = json.load(urllib.request.urlopen(asked))["events"]
    tasks = [task["name"] for task in json.load(urllib.request.urlopen(
        urllib.request.Request(f"{stack.url}/tasks", headers=asked.headers)))["tasks"]]
print(json.dumps([taskkit.__file__, results, job.id, events, tasks]))
"""


class Clone:
    """A copy of what git knows or would, in which nothing but it is imported."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)

    def run(self, *command: str, limit_s: float = 240) -> str:
        """Run a program of the environment in it; return what it printed when it succeeds."""
        parts = (self.root, self.root / "server", self.root / "worker")
        told = {k: v for k, v in os.environ.items() if not k.startswith(("TASKKIT_", "PYTEST_"))}
        done = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=self.root,
            env=told | {"PYTHONPATH": os.pathsep.join(map(str, parts))},
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """One in which the newcomer has done what the page says."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    made = Clone(tmp_path_factory.mktemp("clone"))
    for change in CHANGES:
        apply(change, made.root)
    made.run("python", "tools/state_diagram.py")  # make states
    return made


def test_few_files_are_touched() -> None:
    """One for a task, three and a test for an event, of which the page names each."""
    files = list(dict.fromkeys(change.path for change in CHANGES))
    assert [path for path in files if not path.startswith("tests/")] == [
        "worker/taskkit_worker/tasks/pi.py",
        "taskkit/protocol/events.py",
        "taskkit/inside/checkpoint.py",
        "docs/protocol.md",
    ]
    assert len(files) == 6
    assert "`make states` writes `docs/state-machine.md`" in PAGE


def test_style_types_and_rules_are_kept(clone: Clone) -> None:
    """All that looks at files and at both sides' knowledge of the protocol is content."""
    files = dict.fromkeys(change.path for change in CHANGES if change.path.endswith(".py"))
    clone.run("ruff", "check", *files)
    clone.run("ruff", "format", "--check", *files)
    if (ROOT / ".mypy_cache").is_dir():  # of `make types`: else all behind them is read anew
        shutil.copytree(ROOT / ".mypy_cache", clone.root / ".mypy_cache")
    ours = [path for path in files if not path.startswith("tests/")]
    clone.run("mypy", *ours, limit_s=600)
    said = clone.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *LOOKED_AT)
    assert " passed" in said
    assert "failed" not in said


@pytest.mark.stack
def test_a_real_stack_runs_both(clone: Clone) -> None:
    """The job's facts are in its owner's log, in order, between its start and its end."""
    (clone.root / "day.py").write_text(DAY)
    told = clone.run("python", "day.py").splitlines()[-1]
    where, results, job, events, tasks = json.loads(told)
    assert Path(where).is_relative_to(clone.root)
    assert results[0] == 12
    assert abs(results[1] - 3.14159) < 0.02
    assert "pi" in tasks
    kinds = [event["type"] for event in events if event["job"] == job]
    assert (kinds[0], kinds[-1]) == ("job_submitted", "job_succeeded")
    facts = [event["data"] for event in events if event["type"] == "checkpoint_kept"]
    assert facts == [{"step": n, "path": f"run-{n}.npz"} for n in range(12)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (Change("here.py", "python", "x = 1\n"), "there already"),
        (Change("here.py", "diff", " y = 1\n+z = 2\n"), "has 0 times"),
        (Change("here.py", "diff", " x = 1\n+z = 2\n"), "has 2 times"),
    ],
)
def test_a_page_that_is_out_of_date_is_found(tmp_path: Path, change: Change, told: str) -> None:
    """What it changes has to be there, once."""
    (tmp_path / "here.py").write_text("x = 1\nx = 1\n")
    with pytest.raises(ValueError, match=told):
        apply(change, tmp_path)
