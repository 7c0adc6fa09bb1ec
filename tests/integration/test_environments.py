"""Kernels and workers of real environments that differ: who runs what, and what is told."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from two_environments import LIMIT_S, Lab, make_environment
from waiting import wait_until

import taskkit

pytestmark = pytest.mark.stack

ROOT = Path(__file__).parents[2]
MINOR = "{}.{}".format(*sys.version_info[:2])

WORK = "def work():\n    return tinylab.where()\n"
TELL = "job = client.submit(work)\nprint(*job.result(), len(job.record.past_attempts))\n"


@pytest.fixture(scope="module")
def environments(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """One with `tinylab` 1.0 and one with 2.0."""
    folder = tmp_path_factory.mktemp("environments")
    return make_environment(folder / "one", "1.0"), make_environment(folder / "two", "2.0")


@pytest.fixture
def lab(stack: taskkit.LocalStack, tmp_path: Path) -> Iterator[Lab]:
    """A queue that no other worker serves."""
    made = Lab(stack, f"lab-{secrets.token_hex(4)}", tmp_path)
    yield made
    made.stop()


def next_words(kernel: subprocess.Popen[str]) -> str:
    """Return the next line that a kernel prints to stderr."""
    assert kernel.stderr is not None
    return kernel.stderr.readline()


def test_jobs_go_to_workers_of_the_kernels_environment(
    lab: Lab, environments: tuple[Path, Path]
) -> None:
    """Of two kernels that differ each has its own worker, and nothing is said."""
    for environment in environments:
        lab.start_worker(environment)
    wait_until(lambda: lab.has_workers(2), LIMIT_S)
    several = WORK + "print(*{job.result() for job in [client.submit(work) for n in range(6)]})\n"
    for environment, version in zip(environments, ("1.0", "2.0"), strict=True):
        out, errors = lab.run_kernel(environment, several)
        assert out == str((str(environment), version)), errors
        assert errors == ""


def test_where_nobody_fits_it_is_told_and_waits_for_who_does(
    lab: Lab, environments: tuple[Path, Path]
) -> None:
    """In the cell, in words; the job runs as soon as a worker that fits has joined."""
    one, two = environments
    lab.start_worker(one)
    wait_until(lambda: lab.has_workers(1), LIMIT_S)
    kernel = lab.start_kernel(two, WORK + TELL)
    told = next_words(kernel)
    advice = next_words(kernel)
    assert (
        "EnvironmentWarning: your kernel has tinylab 2.0; the live worker of queue "
        f"'{lab.queue}' has tinylab 1.0: work waits for a worker that fits." in told
    )
    lab.start_worker(two)
    out, errors = kernel.communicate(timeout=LIMIT_S)
    assert out.strip() == f"{two} 2.0 0"
    assert 'python -m pip install "tinylab==2.0"' in advice, errors


def test_who_comes_later_and_does_not_fit_gives_the_job_back(
    lab: Lab, environments: tuple[Path, Path]
) -> None:
    """When it was submitted nobody was there, so that it said nothing; its function did."""
    one, two = environments
    say = "job = client.submit(work)\nprint(job.id, flush=True)\nprint(*job.result())\n"
    kernel = lab.start_kernel(two, WORK + say)
    assert kernel.stdout is not None
    job_id = kernel.stdout.readline().strip()
    lab.start_worker(one)
    client = lab.stack.client()
    wait_until(lambda: bool(client.job(job_id).record.past_attempts), LIMIT_S)
    past = client.job(job_id).record.past_attempts
    client.close()  # not waiting for the job
    causes = [each.cause for each in past]
    assert causes == ["it needs tinylab 2.*; this worker has tinylab 1.0"]
    lab.start_worker(two)
    out, errors = kernel.communicate(timeout=LIMIT_S)
    assert out.strip() == f"{two} 2.0", errors


def test_any_environment_runs_it_all_the_same_and_an_error_names_the_difference(
    lab: Lab, environments: tuple[Path, Path]
) -> None:
    """Who says so is not held up; what cannot be loaded then says what both sides have."""
    one, two = environments
    lab.start_worker(one)
    wait_until(lambda: lab.has_workers(1), LIMIT_S)
    code = (
        "client = client.options(any_environment=True)\n"
        f"{WORK}{TELL}"
        "error = client.submit(tinylab.only_in_2).exception()\n"
        "print(type(error).__name__, error)\n"
    )
    out, errors = lab.run_kernel(two, code)
    ran, failed = out.splitlines()
    assert ran == f"{one} 1.0 0", errors
    assert failed.startswith("AttributeError ")
    assert "only_in_2" in failed
    assert "cannot load what the notebook sent" in failed
    assert errors == ""


def test_the_doctor_compares_kernel_and_workers(lab: Lab, environments: tuple[Path, Path]) -> None:
    """It names the packages that both have, in versions that do not go together."""
    one, two = environments
    lab.start_worker(one)
    wait_until(lambda: lab.has_workers(1), LIMIT_S)
    done = subprocess.run(
        [two / "bin/python", "-m", "taskkit", "doctor", "--json"],
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(two),
            "TASKKIT_URL": lab.stack.url,
            "TASKKIT_TOKEN": lab.stack.token,
        },
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    said = json.dumps(json.loads(done.stdout))
    assert "tinylab 2.0 here, 1.0 there" in said, done.stderr


def other_python() -> Path | None:
    """Return an environment of another minor version that `make pythons` has made."""
    for folder in sorted((ROOT / "build").glob("python-3.*")):
        if folder.name != f"python-{MINOR}" and (folder / "bin/python").exists():
            return folder
    return None


def test_another_minor_version_of_python_is_told_and_waits(
    lab: Lab, environments: tuple[Path, Path]
) -> None:
    """Its kernel's jobs are taken by nobody else; with a Python from `make pythons`."""
    other = other_python()
    if other is None:
        pytest.skip("no Python of another minor version here: make pythons")
    lab.start_worker(environments[0])
    wait_until(lambda: lab.has_workers(1), LIMIT_S)
    code = (
        "import sys, taskkit\n"
        "client = taskkit.Client(*sys.argv[1:3]).options(queue=sys.argv[3])\n"
        "print(client.submit(lambda: 1).state)\n"
    )
    done = subprocess.run(
        [other / "bin/python", "-c", code, lab.stack.url, lab.stack.token, lab.queue],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.stdout == "queued\n", done.stderr
    assert f"has Python {MINOR}: " in done.stderr
