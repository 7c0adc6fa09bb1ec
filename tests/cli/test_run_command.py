"""`taskkit run`: a notebook on a worker, from a script."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from notebook_nodes import cell, notebook, written
from terminals import Terminal, piped
from waiting import wait_until

from taskkit.client import Client

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

Env = dict[str, str]

DEFAULTS = cell("alpha, label = 1, ''", "parameters")


def test_a_notebook_is_run_with_parameters_and_written(env: Env, tmp_path: Path) -> None:
    """Values are Python's where they are some, else texts; what it doubts it says."""
    study = written(tmp_path, notebook(DEFAULTS, "alpha * 2, label"))
    out = tmp_path / "out.ipynb"
    words = ("-p", "alpha=0.25", "-p", "label=run-7", "-p", "beta=1", "-o", str(out))
    ran = piped("run", str(study), *words, env=env)
    assert ran.returncode == 0, ran.stderr
    assert "study.ipynb" in ran.stdout
    assert "taskkit: study.ipynb has no parameter 'beta'" in ran.stderr
    assert "3 cells in " in ran.stderr
    last = json.loads(out.read_text())["cells"][-1]
    assert last["outputs"][0]["data"]["text/plain"] == "(0.5, 'run-7')"


def test_of_one_that_fails_the_part_that_ran_is_written(env: Env, tmp_path: Path) -> None:
    """The exit code is that of a failed job; the line says which cell."""
    study, out = written(tmp_path, notebook("print('one')", "1 / 0", "3")), tmp_path / "out.ipynb"
    ran = piped("run", str(study), "-o", str(out), env=env)
    assert ran.returncode == 1
    assert "cell 2 of 3 of study.ipynb raised ZeroDivisionError" in ran.stdout
    cells = json.loads(out.read_text())["cells"]
    assert cells[0]["outputs"][0]["text"] == "one\n"
    assert cells[2]["execution_count"] is None


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("none.ipynb",), 2, "does not exist"),
        (("study.ipynb", "-p", "alpha"), 2, "is no NAME=VALUE"),
        (("study.ipynb", "-f", "data.csv"), 5, "there is no data.csv"),
        (("plain.ipynb",), 5, "plain.ipynb is no notebook"),
    ],
)
def test_what_cannot_be_sent_is_told_in_a_sentence(
    env: Env, tmp_path: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    """Before there is a job."""
    name, *more = words
    written(tmp_path, notebook("1"))
    (tmp_path / "plain.ipynb").write_text("1 +")
    ran = piped("run", str(tmp_path / name), *more, env={**env, "COLUMNS": "200"})
    assert ran.returncode == code
    assert told in " ".join(ran.stderr.split())
    assert "Traceback" not in ran.stderr


def test_an_interrupt_leaves_it_running(env: Env, client: Client, tmp_path: Path) -> None:
    """And says so; another command waits for it or cancels it."""
    study = written(tmp_path, notebook("import time\ntime.sleep(600)"), "long.ipynb")
    terminal = Terminal("run", str(study), env=env)
    wait_until(lambda: any(job.running() for job in client.jobs(name="long.ipynb")))
    terminal.until("long.ipynb")
    terminal.interrupt()
    assert terminal.end() == 130
    assert "the job goes on" in terminal.text
    [job] = client.jobs(name="long.ipynb")
    assert job.running()
    assert job.cancel()
