"""Notebooks as jobs: from a client to a worker's kernel and back, whatever dies on the way."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import psutil
import pytest
from extra_workers import extra_worker
from waiting import wait_until

import taskkit
from taskkit.client import Client
from taskkit.client.job import Job
from taskkit.client.misfit import EnvironmentWarning
from taskkit.protocol.errors import InvalidRequest, JobTimedOut, NoWorkerFits
from taskkit.protocol.jobs import Progress

sys.path.append(str(Path(__file__).parents[1] / "notebook_jobs"))
from notebook_nodes import cell, notebook, older, written

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

LIMIT_S = 120

STARTS_A_CHILD = """
import os, subprocess, time
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
print("pids", os.getpid(), os.getppid(), child.pid, flush=True)
"""


@pytest.fixture
def client(stack: taskkit.LocalStack) -> Iterator[Client]:
    """A client of the session's stack."""
    with stack.client() as made:
        yield made


def pids_of(job: Job[Any]) -> list[int]:
    """Return the kernel, its guard and its child, once the job has told them."""
    wait_until(lambda: "pids" in job.output or job.done(), LIMIT_S)
    return [int(word) for word in job.output.split("pids", 1)[1].split()[:3]]


def are_gone(pids: list[int]) -> bool:
    """Return whether none of these processes is there."""
    return not any(map(psutil.pid_exists, pids))


def test_a_notebook_runs_with_its_parameters_and_comes_back_executed(
    client: Client, tmp_path: Path
) -> None:
    """Progress tells the cells, with how far one says it is; what they print is the output."""
    (tmp_path / "lab.py").write_text("def double(x):\n    return 2 * x\n")
    (tmp_path / "data.csv").write_text("20\n")
    node = notebook(
        cell("# A study", kind="markdown"),
        cell("alpha, gate = 1, ''", "parameters"),
        "import pathlib, time, taskkit\n"
        "taskkit.progress(3, 10, 'fitting')\n"
        "for step in range(3):\n    taskkit.report(loss=1 / (step + 1))\n"
        "print('begun', flush=True)\n"
        "while not pathlib.Path(gate).exists(): time.sleep(0.02)",
        "from lab import double\ndouble(alpha) + int(open('data.csv').read())",
    )
    path, gate = written(tmp_path, node), tmp_path / "gate"
    seen: list[Progress] = []
    job = client.run_notebook(path, {"alpha": 11, "gate": gate}, files=["data.csv"])
    job.on_progress(seen.append)
    wait_until(lambda: any(progress.bars for progress in seen), LIMIT_S)
    wait_until(lambda: "begun" in job.output, LIMIT_S)
    assert job.task == "study.ipynb"
    assert job.progress is not None
    assert (job.progress.done, job.progress.total) == (2, 4)
    assert job.progress.message == "cell 3 of 4: taskkit.progress(3, 10, 'fitting')"
    assert [(bar.name, bar.done, bar.total) for bar in job.progress.bars] == [("fitting", 3, 10)]
    gate.touch()
    done = job.result(LIMIT_S)
    assert [out["data"]["text/plain"] for out in done.outputs if "data" in out] == ["42"]
    assert [one.get("execution_count") for one in done.node["cells"]] == [None, 1, 2, 3, 4]
    assert done.parameters == {"alpha": 11, "gate": str(gate)}
    assert job.output == "begun\n"
    assert job.progress.done == job.progress.total == 4
    [curve] = job.record.curves
    assert (curve.name, curve.y) == ("loss", (1.0, 0.5, 0.333333))
    assert done.save(tmp_path / "out.ipynb").exists()
    # Nothing is left of it: no folder, no process.
    assert client.run_notebook(notebook("import os\nos.getcwd()")).result(LIMIT_S).outputs
    assert not [one for one in psutil.process_iter(["cmdline"]) if is_kernels(one)]


def is_kernels(process: psutil.Process) -> bool:
    """Return whether a process is a job's kernel or its guard."""
    return "taskkit_worker.guard" in (process.info["cmdline"] or ())


def test_a_cell_that_fails_says_which_and_leaves_what_was_executed(client: Client) -> None:
    """Its number and line, the traceback, outputs until then; what an earlier run left is gone."""
    node = notebook("print('one')", "def half(x):\n    return 1 / x\n\nhalf(0)", "print('three')")
    node["cells"][2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "stale"}]
    job = client.run_notebook(node)
    failed = job.exception(LIMIT_S)
    assert isinstance(failed, taskkit.CellFailed)
    assert str(failed) == (
        "cell 2 of 3 of notebook.ipynb raised ZeroDivisionError: division by zero\n"
        "  in line 2: return 1 / x"
    )
    assert (failed.cell, failed.source.splitlines()[0]) == (2, "def half(x):")
    assert "----> 2     return 1 / x" in failed.traceback
    assert "\x1b" not in failed.traceback
    assert [out["output_type"] for out in failed.notebook.outputs] == ["stream", "error"]
    assert repr(failed.notebook).startswith("<ExecutedNotebook notebook.ipynb: 2 of 3 cells in ")
    statuses = [one["metadata"]["papermill"]["status"] for one in failed.notebook.node["cells"]]
    assert statuses == ["completed", "failed", "pending"]
    error = job.record.error
    assert error is not None
    assert error.type == "taskkit.CellFailed"
    assert "half(0)" in error.traceback
    assert "taskkit_worker" not in error.traceback
    shown = "\n".join(failed._render_traceback_())
    assert "return 1 / x" in shown


def test_a_cell_may_be_meant_to_raise(client: Client) -> None:
    """By its tag, as for nbclient; and one that is not to be run is passed over."""
    node = notebook(cell("1 / 0", "raises-exception"), cell("1 / 0", "skip-execution"), "'on'")
    done = client.run_notebook(node).result(LIMIT_S)
    assert [out["output_type"] for out in done.outputs] == ["error", "execute_result"]


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ("os._exit(3)", "its process ended with exit code 3"),
        ("os.kill(os.getpid(), 9)", "its process ended with signal 9 (SIGKILL)"),
    ],
)
def test_a_kernel_that_dies_by_itself_fails_the_job_at_once(
    client: Client, ends: str, words: str
) -> None:
    """With the cell in which it did; another attempt would find the same, so that there is none."""
    job = client.run_notebook(notebook("print('one')", f"import os\n{ends}", "3"))
    failed = job.exception(LIMIT_S)
    assert isinstance(failed, taskkit.CellFailed)
    assert str(failed).startswith("the kernel died in cell 2 of 3 of notebook.ipynb: ")
    assert words in str(failed)
    assert f"\n  in: {ends}" in str(failed)
    assert job.record.attempt == 1
    assert [out["text"] for out in failed.notebook.outputs] == ["one\n"]


def test_a_notebook_may_be_tried_again(client: Client, tmp_path: Path) -> None:
    """From its first cell, in a kernel of its own."""
    flaky = (
        f"import os, pathlib\nmark = pathlib.Path({str(tmp_path / 'mark')!r})",
        "was_there = mark.exists()\nmark.touch()\nassert was_there",
    )
    patient = client.options(retries=1, retry_on=taskkit.CellFailed)
    job = patient.run_notebook(notebook(*flaky))
    assert job.result(LIMIT_S).outputs == []
    assert job.record.attempt == 2


def test_a_cancelled_notebook_is_interrupted_and_leaves_no_process(client: Client) -> None:
    """A cell may clean up; its kernel, guard and children in other sessions are gone."""
    cleans = "try:\n    time.sleep(600)\nfinally:\n    print('cleaned', flush=True)"
    job = client.run_notebook(notebook(STARTS_A_CHILD + cleans))
    pids = pids_of(job)
    assert job.cancel()
    wait_until(lambda: are_gone(pids), LIMIT_S)
    with pytest.raises(CancelledError):
        job.result(LIMIT_S)
    assert client.submit(pow, 2, 10).result(LIMIT_S) == 1024


def test_a_stubborn_kernel_is_ended_all_the_same(client: Client) -> None:
    """One that passes over interrupts."""
    stays = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(600)"
    job = client.run_notebook(notebook(STARTS_A_CHILD + stays))
    pids = pids_of(job)
    assert job.cancel()
    wait_until(lambda: are_gone(pids), LIMIT_S)


def test_a_notebook_has_a_limit_of_time(client: Client) -> None:
    """What was executed until then is in the error; no process is left."""
    slow = client.options(timeout_s=20)
    job = slow.run_notebook(notebook("print('one')", STARTS_A_CHILD + "time.sleep(600)"))
    pids = pids_of(job)
    over = job.exception(LIMIT_S)
    assert isinstance(over, JobTimedOut)
    assert over.notebook.outputs[0]["text"] == "one\n"
    wait_until(lambda: are_gone(pids), LIMIT_S)


def hold(size: int, for_s: float) -> None:
    """Have this process hold so many bytes, for as long as it lives if that is more than none."""
    import __main__

    __main__.held = bytearray(size)  # type: ignore[attr-defined]
    time.sleep(for_s)


@pytest.fixture
def _large(client: Client) -> Iterator[None]:
    """Have the processes of the stack hold much memory."""
    every = range(2)
    list(client.map(hold, [2**30 for _ in every], [1.0 for _ in every], chunksize=1))
    yield
    list(client.map(hold, [0 for _ in every], [1.0 for _ in every], chunksize=1))


@pytest.mark.usefixtures("_large")
def test_a_notebook_has_a_limit_of_memory(client: Client) -> None:
    """The kernel's, on top of what it has at first, whatever the job's own process has."""
    small = client.options(memory_mib=300)
    job = small.run_notebook(notebook("a = bytearray(100 * 2**20)", "b = bytearray(800 * 2**20)"))
    failed = job.exception(LIMIT_S)
    assert isinstance(failed, taskkit.CellFailed)
    assert failed.cell == 2
    assert "MemoryError (the job's memory_mib is a limit)" in str(failed)


def kill_process(guard: psutil.Process) -> None:
    """Kill the job's process."""
    guard.parent().kill()


def kill_all(guard: psutil.Process) -> None:
    """Kill the worker's whole family, but for what is below the guard."""
    process = guard.parent()
    worker = process.parent()
    for victim in (*worker.children(), worker):
        victim.kill()


@pytest.mark.parametrize("kill", [kill_process, kill_all])
def test_a_notebook_of_a_dead_process_begins_again_and_its_kernel_ends(
    stack: taskkit.LocalStack, client: Client, tmp_path: Path, kill: Callable[[Any], None]
) -> None:
    """From its first cell, on another process; the kernel of before is gone with its children."""
    queue = f"nb-{kill.__name__.replace('_', '-')}"
    gate = tmp_path / "gate"
    node = notebook(
        f"import pathlib, time\ngate = pathlib.Path({str(gate)!r})",
        STARTS_A_CHILD,
        "while not gate.exists(): time.sleep(0.05)",
        "'on'",
    )
    with extra_worker(stack, "--queues", queue, "--concurrency", "1") as worker:
        job = client.options(queue=queue).run_notebook(node)
        pids = pids_of(job)
        kill(psutil.Process(pids[1]))
        wait_until(lambda: are_gone(pids), LIMIT_S)
        gate.touch()
        if kill is kill_process:
            finish(job)
            return
        worker.wait(60)
    with extra_worker(stack, "--queues", queue, "--concurrency", "1"):
        finish(job)


def finish(job: Job[Any]) -> None:
    """Wait for a job's second attempt."""
    done = job.result(LIMIT_S)
    assert done.outputs[-1]["data"]["text/plain"] == "'on'"
    assert job.record.attempt == 2


def test_a_hundred_megabytes_of_output_neither_break_it_nor_fill_the_notebook(
    client: Client,
) -> None:
    """The notebook has the first 4 MiB of a cell's and says so; the job's tail is what it was."""
    prints = "for _ in range(1000):\n    print('y' * 100_000)"
    done = client.run_notebook(notebook(prints, "'on'")).result(LIMIT_S)
    kept, told, last = done.outputs
    assert len(kept["text"]) == 4 * 2**20
    assert told["text"] == "[taskkit: 95,806,696 characters more are left out]\n"
    assert last["data"]["text/plain"] == "'on'"


def test_a_bar_in_text_is_kept_as_it_ended(client: Client) -> None:
    """And what a cell clears is not kept; outputs of displays are those of their last update."""
    node = notebook(
        "import sys\nfor n in range(3):\n    sys.stderr.write(f'\\r{n}/2'); sys.stderr.flush()",
        "from IPython.display import clear_output, display\n"
        "print('before')\nclear_output()\nprint('after')\n"
        "shown = display('first', display_id=True)",
        "shown.update('last')",
    )
    done = client.run_notebook(node).result(LIMIT_S)
    texts = [out.get("text") or out["data"]["text/plain"] for out in done.outputs]
    assert texts == ["2/2", "after\n", "'last'"]


def test_a_notebook_of_nbformat_3_runs(client: Client, tmp_path: Path) -> None:
    """The result is of nbformat 4."""
    done = client.run_notebook(written(tmp_path, older("a = 1", "a + 1"))).result(LIMIT_S)
    assert done.node["nbformat"] == 4
    assert done.outputs[0]["data"]["text/plain"] == "2"


def test_a_kernel_that_is_not_there_is_named_with_those_that_are(client: Client) -> None:
    """One that is asked for; a Python's that only the notebook names is the worker's own."""
    job = client.run_notebook(notebook("1"), kernel_name="ir")
    with pytest.raises(LookupError, match=r"the worker has no kernel 'ir'; it has .*python3"):
        job.result(LIMIT_S)
    mine = client.run_notebook(notebook("6 * 7", kernel="my-laptops-env"))
    assert mine.result(LIMIT_S).outputs[0]["data"]["text/plain"] == "42"
    assert "no kernel 'my-laptops-env'; its own Python runs the notebook" in mine.output


def test_cells_run_in_a_folder_of_the_workers_if_it_is_said(client: Client, tmp_path: Path) -> None:
    """What they write there stays; one that is not there is told."""
    node = notebook("open('made.txt', 'w').write('x')")
    client.run_notebook(node, cwd=str(tmp_path)).result(LIMIT_S)
    assert (tmp_path / "made.txt").read_text() == "x"
    with pytest.raises(FileNotFoundError, match="this worker has no folder"):
        client.run_notebook(node, cwd=str(tmp_path / "none")).result(LIMIT_S)
    with pytest.raises(ValueError, match="give files, or cwd"):
        client.run_notebook(node, files=["a"], cwd="/")


def test_what_is_no_notebook_is_refused_before_it_is_sent(client: Client, tmp_path: Path) -> None:
    """And a parameter that it has not is told in the cell that submits it."""
    path = tmp_path / "fit.ipynb"
    path.write_text("import numpy")
    with pytest.raises(InvalidRequest, match=r"fit\.ipynb is no notebook"):
        client.run_notebook(path)
    node = notebook(cell("alpha = 1", "parameters"), "alpha")
    with pytest.warns(UserWarning, match="no parameter 'beta'; it has alpha") as told:
        job = client.run_notebook(node, {"beta": 2})
    assert told[0].filename == __file__
    assert job.result(LIMIT_S).outputs


def test_it_is_for_workers_that_have_a_kernel(client: Client) -> None:
    """Where none has what it takes the cell is told, or the job is refused; others wait for one."""
    lacking = client.options(packages={"ipykernel": ">=1000"})
    with pytest.raises(NoWorkerFits), pytest.warns(EnvironmentWarning, match="ipykernel"):
        lacking.options(require_worker=True).run_notebook(notebook("1")).result(LIMIT_S)


def test_the_same_notebook_under_a_key_runs_once(client: Client) -> None:
    """With other parameters it is other work."""
    node = notebook(cell("alpha = 1", "parameters"), "alpha")
    keyed = client.options(key="study-1")
    first, again = (keyed.run_notebook(node, {"alpha": 2}) for _ in range(2))
    assert first.id == again.id
    assert first.result(LIMIT_S) == again.result(LIMIT_S)
    with pytest.raises(taskkit.RequestError, match="key"):
        keyed.run_notebook(node, {"alpha": 3}).result(LIMIT_S)


def test_kernels_open_no_port_for_who_runs_them(client: Client) -> None:
    """Their channels are sockets in a folder that nobody else reads; one port is ipykernel's own.

    That one hears what forked processes print, and takes nothing without a secret.
    """
    looks = (
        "import json, os, psutil, sys\n"
        "file = sys.argv[sys.argv.index('-f') + 1]\n"
        "facts = json.load(open(file))\n"
        "tcp = psutil.Process().net_connections('tcp')\n"
        "ports = [one for one in tcp if one.status == 'LISTEN']\n"
        "mode = os.stat(os.path.dirname(file)).st_mode & 0o777\n"
        "print(facts['transport'], oct(mode), len(ports))"
    )
    done = client.run_notebook(notebook(looks)).result(LIMIT_S)
    assert done.outputs[0]["text"] == "ipc 0o700 1\n"
