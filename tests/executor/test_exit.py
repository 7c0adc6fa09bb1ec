"""A script that ends, with all that it submitted and has not closed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from executors import ALL, LIMIT_S, POOLS, TASKKIT, on
from gates import Gate
from waiting import wait_until

import taskkit

RunScript = Callable[..., subprocess.CompletedProcess[str]]

HEADS = {
    "taskkit": "import sys, taskkit\nexecutor = taskkit.Client(sys.argv[1])\n",
    "threads": (
        "import sys\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "executor = ThreadPoolExecutor(2)\n"
    ),
    "processes": (
        "import sys\nfrom concurrent.futures import ProcessPoolExecutor\n"
        "executor = ProcessPoolExecutor(2)\n"
    ),
}
"""The beginning of a script, by the kind of its executor."""


@pytest.fixture(params=ALL)
def head(request: pytest.FixtureRequest) -> str:
    """Each kind in turn."""
    return HEADS[request.param]


def on_heads(*kinds: str, taskkit_fails: str = "") -> pytest.MarkDecorator:
    """Run a test with scripts of these kinds."""
    marker: pytest.MarkDecorator = on(*kinds, taskkit_fails=taskkit_fails, fixture="head")
    return marker


def check_silent(done: subprocess.CompletedProcess[str], out: str = "") -> None:
    """Fail unless a script ended well and printed only this."""
    assert (done.returncode, done.stdout, done.stderr) == (0, out, "")


def test_one_that_was_used_and_not_closed(head: str, run_script: RunScript) -> None:
    """Neither keeps the interpreter nor says anything."""
    check_silent(run_script(head + "print(executor.submit(abs, -1).result())"), "1\n")


def test_one_that_was_never_used(head: str, run_script: RunScript) -> None:
    """The same."""
    check_silent(run_script(head))


def test_one_that_was_shut_down(head: str, run_script: RunScript) -> None:
    """The same."""
    text = "with executor: future = executor.submit(abs, -1)\nprint(future.result(0))"
    check_silent(run_script(head + text), "1\n")


def test_results_that_still_come(head: str, run_script: RunScript) -> None:
    """The same, while they arrive."""
    text = """
    futures = [executor.submit(bytes, 10**5) for _ in range(50)]
    futures[5].result()
    """
    check_silent(run_script(head + dedent(text)))


@on_heads(*ALL)
def test_calls_that_were_just_submitted_are_made(
    head: str, run_script: RunScript, tmp_path: Path
) -> None:
    """However quickly the script ends behind them."""
    marks = tmp_path / "marks"
    marks.mkdir()
    text = """
    from pathlib import Path
    for n in range(300):
        executor.submit(Path(sys.argv[2], str(n)).touch)
    """
    check_silent(run_script(head + dedent(text), str(marks)))
    wait_until(lambda: len(list(marks.iterdir())) == 300, 5)


@on_heads(TASKKIT)
def test_what_is_submitted_when_the_interpreter_ends_is_made(
    head: str, run_script: RunScript, tmp_path: Path
) -> None:
    """taskkit's jobs do not end with their script, so it waits until they are accepted."""
    text = """
    import atexit
    from pathlib import Path

    @atexit.register
    def last():
        executor.submit(Path(sys.argv[2]).touch)

    executor.submit(abs, -1).result()
    """
    check_silent(run_script(head + dedent(text), str(tmp_path / "mark")))
    wait_until((tmp_path / "mark").exists, 5)


@on_heads(*POOLS)
def test_nothing_is_taken_when_the_interpreter_ends(head: str, run_script: RunScript) -> None:
    """A call that would not be made is refused."""
    text = """
    import atexit

    @atexit.register
    def last():
        try:
            executor.submit(abs, -1)
        except RuntimeError as error:
            print(error)

    executor.submit(abs, -1).result()
    """
    done = run_script(head + dedent(text))
    assert done.returncode == 0
    assert "cannot schedule new futures" in done.stdout


def test_an_error_of_the_script_is_all_that_is_said(head: str, run_script: RunScript) -> None:
    """One traceback, the script's own."""
    text = """
    future = executor.submit(abs, -1)
    future.result()
    raise LookupError("the script's own")
    """
    done = run_script(head + dedent(text))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.endswith("LookupError: the script's own\n")


def test_an_exit_within_a_with_statement_waits(
    head: str, run_script: RunScript, tmp_path: Path
) -> None:
    """What was submitted is done when the interpreter has ended."""
    text = """
    from pathlib import Path
    with executor:
        executor.submit(Path(sys.argv[2]).touch)
        sys.exit(3)
    """
    done = run_script(head + dedent(text), str(tmp_path / "mark"))
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")
    assert (tmp_path / "mark").exists()


@on_heads(*POOLS)
def test_a_pool_waits_for_what_runs(head: str, run_script: RunScript) -> None:
    """Which taskkit's own test says the contrary of."""
    text = "import time\nbegan = time.monotonic()\nexecutor.submit(time.sleep, 0.3)\n"
    began = time.monotonic()
    check_silent(run_script(head + text))
    assert time.monotonic() - began > 0.3


def test_the_interpreter_ends_before_its_jobs(
    client: taskkit.Client, run_script: RunScript, gate: Gate
) -> None:
    """They outlive it; another client finds them and has their results."""
    text = """
    from pathlib import Path
    import time

    def held(gate):
        while not Path(gate).exists():
            time.sleep(0.01)
        return "through"

    job = executor.submit(held, sys.argv[2])
    print(job.id)
    """
    done = run_script(HEADS[TASKKIT] + dedent(text), gate.path)
    check_silent(done, done.stdout)
    job = client.job(done.stdout.strip())
    assert not job.done()
    gate.open()
    assert job.result(LIMIT_S) == "through"


def test_an_interrupted_wait_leaves_the_job(
    client: taskkit.Client, stack: taskkit.LocalStack, tmp_path: Path, gate: Gate
) -> None:
    """Ctrl-C is one KeyboardInterrupt in the script, and nothing to the job."""
    script = tmp_path / "script.py"
    script.write_text(
        HEADS[TASKKIT]
        + dedent("""
        from pathlib import Path
        import signal
        import time

        # A shell without job control has what runs in the background ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)

        def held(gate):
            while not Path(gate).exists():
                time.sleep(0.01)
            return "through"

        # All is imported then. CPython forgets that it ends of an interrupt, and exits with 1,
        # where another thread executes a text meanwhile, as dataclasses do.
        executor.submit(abs, 1).result()

        job = executor.submit(held, sys.argv[2])
        print(job.id, flush=True)
        job.result()
        """)
    )
    command = [sys.executable, str(script), stack.url, gate.path]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        job = client.job(process.stdout.readline().strip())
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == -signal.SIGINT
    assert err.count("Traceback") == 1
    assert err.endswith("KeyboardInterrupt\n")
    assert not job.done()
    gate.open()
    assert job.result(LIMIT_S) == "through"
