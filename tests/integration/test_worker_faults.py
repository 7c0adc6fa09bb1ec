"""What a job or its worker may suffer on real processes: limits, cancelling, stopping."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from waiting import wait_until

import taskkit
from taskkit.client import Client, Job
from taskkit.protocol.jobs import AttemptEnd, JobState

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

LIMIT_S = 60


class Extra:
    """One more worker, of one process, which a test may hurt."""

    def __init__(self, stack: taskkit.LocalStack, *options: str) -> None:
        environment = {**os.environ, "TASKKIT_REDIS_URL": stack.redis_url}
        environment["TASKKIT_SIGNING_KEYS_FILE"] = str(stack.signing_keys_file)
        command = [sys.executable, "-m", "taskkit_worker", "--concurrency", "1", *options]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)

    def family(self) -> list[psutil.Process]:
        """Return its processes."""
        main = psutil.Process(self.process.pid)
        return [main, *main.children(recursive=True)]

    def end(self) -> None:
        if self.process.poll() is None:
            for process in self.family():
                process.kill()
        self.process.wait(10)


@pytest.fixture(scope="module")
def own_stack() -> Iterator[taskkit.LocalStack]:
    """A stack that these tests may hurt."""
    with taskkit.LocalStack(workers=1) as running:
        yield running


@pytest.fixture
def client(own_stack: taskkit.LocalStack) -> Iterator[Client]:
    """A client of it."""
    made = own_stack.client()
    yield made
    made.close()


def own_pid() -> int:
    """Return the process that runs the job."""
    return os.getpid()


@pytest.mark.parametrize("signal_name", ["SIGKILL", "SIGSTOP"])
def test_a_job_that_meets_a_process_which_ended_while_it_waited_is_run(
    client: Client, signal_name: str
) -> None:
    """It may have been handed to that process already; stopped ones go on with it."""
    for _ in range(3):
        pid = client.submit(own_pid).result(LIMIT_S)
        os.kill(pid, signal.Signals[signal_name])
        jobs = [client.submit(own_pid) for _ in range(2)]
        for job in jobs:
            job.wait_decided(LIMIT_S)
        if signal_name == "SIGSTOP":
            os.kill(pid, signal.SIGCONT)
        assert all(isinstance(job.result(LIMIT_S), int) for job in jobs)
        assert all(job.record.attempt <= 2 for job in jobs)


def family(marks: str, kind: str) -> None:
    """Start a child that ignores signals and an orphan, say so, and go on for ever."""
    import hashlib
    import os
    import pathlib
    import subprocess

    stubborn = "trap '' TERM INT; while :; do sleep 0.1; done"
    child = subprocess.Popen(["sh", "-c", stubborn])
    orphan = subprocess.run(
        ["sh", "-c", "setsid sleep 300 >/dev/null 2>&1 & echo $!"], capture_output=True, check=True
    )
    pids = f"{os.getpid()} {child.pid} {int(orphan.stdout)}\n"
    pathlib.Path(marks).write_text(pids)
    if kind == "loop":
        while True:
            pass
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 2**31 - 1)  # C code that never looks at signals


def pids_in(marks: Path) -> list[int]:
    """Return what `family` started, once it has."""
    wait_until(lambda: marks.exists() and marks.read_text().endswith("\n"))
    return [int(pid) for pid in marks.read_text().split()]


@pytest.mark.parametrize("kind", ["loop", "C"])
def test_no_process_of_a_cancelled_job_is_left(client: Client, tmp_path: Path, kind: str) -> None:
    """Python or C, children that ignore signals, orphans; and the next job runs unharmed."""
    marks = tmp_path / "pids"
    job = client.submit(family, str(marks), kind)
    own, *children = pids_in(marks)
    began = time.monotonic()
    assert job.cancel()
    assert client.submit(pow, 2, 5).result(LIMIT_S) == 32
    wait_until(lambda: not any(map(alive, children)))
    assert time.monotonic() - began < 20
    assert alive(own) is (kind == "loop")
    assert job.state is JobState.CANCELLED


def test_a_job_that_never_looks_at_signals_is_ended_at_its_time(
    client: Client, tmp_path: Path
) -> None:
    """Its process and children are killed; what was wrong is told."""
    marks = tmp_path / "pids"
    job = client.options(timeout_s=0.5).submit(family, str(marks), "C")
    pids = pids_in(marks)
    error = job.exception(LIMIT_S)
    assert isinstance(error, TimeoutError), error
    assert "0.5 s" in str(error)
    wait_until(lambda: not any(map(alive, pids)))


def fail_at_first(marks: str) -> str:
    """Raise twice, then return."""
    import pathlib

    with pathlib.Path(marks).open("a") as file:
        file.write("x\n")
    if len(pathlib.Path(marks).read_text().split()) < 3:
        raise ConnectionError("not yet")
    return "now"


def test_a_failure_is_tried_again_as_often_as_asked(client: Client, tmp_path: Path) -> None:
    """After 1 s and 2 s here; the record tells of each try."""
    marks = tmp_path / "marks"
    job = client.options(retries=2, retry_on=ConnectionError).submit(fail_at_first, str(marks))
    assert job.result(LIMIT_S) == "now"
    ends = [(past.end, past.cause) for past in job.record.past_attempts]
    assert ends == [(AttemptEnd.FAILED, "ConnectionError: not yet")] * 2
    assert job.record.attempt == 3


def held(marks: str, gate: str) -> int:
    """Say which process runs it, and go on until the gate opens."""
    import os
    import pathlib
    import time

    with pathlib.Path(marks).open("a") as file:
        file.write(f"{os.getpid()}\n")
    while not pathlib.Path(gate).exists():
        time.sleep(0.02)
    return os.getpid()


class HeldElsewhere:
    """A job that runs on an extra worker, since the stack's own one is busy."""

    def __init__(self, client: Client, stack: taskkit.LocalStack, folder: Path, *options: str):
        self.gate, self.marks = folder / "gate", folder / "marks"
        self._blocker_gate = folder / "blocker"
        self.blocker: Job[Any] = client.submit(
            held, str(folder / "blocked"), str(self._blocker_gate)
        )
        wait_until(lambda: self.blocker.running())
        self.extra = Extra(stack, *options)
        self.job: Job[Any] = client.submit(held, str(self.marks), str(self.gate))
        wait_until(lambda: self.marks.exists() and self.marks.read_text().endswith("\n"))
        wait_until(lambda: self.job.running())
        self.first_pid = int(self.marks.read_text())

    def free_the_others(self) -> None:
        self._blocker_gate.touch()

    def end(self) -> None:
        self.gate.touch()
        self._blocker_gate.touch()
        self.extra.end()


@pytest.fixture
def elsewhere(
    client: Client, own_stack: taskkit.LocalStack, tmp_path: Path
) -> Iterator[Callable[..., HeldElsewhere]]:
    """Make a job on an extra worker."""
    made: list[HeldElsewhere] = []

    def make(*options: str) -> HeldElsewhere:
        made.append(HeldElsewhere(client, own_stack, tmp_path, *options))
        return made[-1]

    yield make
    for each in made:
        each.end()


def test_a_worker_that_is_stopped_finishes_what_it_can(
    elsewhere: Callable[..., HeldElsewhere],
) -> None:
    """Within its grace; the job needs no other attempt."""
    here = elsewhere("--grace", "30")
    here.extra.process.terminate()
    here.gate.touch()
    assert here.job.result(LIMIT_S) == here.first_pid
    assert here.extra.process.wait(30) == 0
    assert here.job.record.past_attempts == ()


def test_a_worker_that_is_stopped_gives_back_what_it_cannot_finish(
    elsewhere: Callable[..., HeldElsewhere],
) -> None:
    """Soon, not after the lease; nothing is counted against the job, and no process is left."""
    here = elsewhere("--grace", "0.5")
    processes = here.extra.family()
    here.free_the_others()
    began = time.monotonic()
    here.extra.process.terminate()
    wait_until(lambda: len(here.marks.read_text().split()) == 2)
    assert time.monotonic() - began < 25  # a lease is 30 s
    assert here.extra.process.wait(30) == 0
    wait_until(lambda: not any(alive(process.pid) for process in processes))
    here.gate.touch()
    assert here.job.result(LIMIT_S) != here.first_pid
    assert [past.end for past in here.job.record.past_attempts] == [AttemptEnd.RETURNED]


def test_a_worker_that_is_ended_at_once_leaves_no_process(
    elsewhere: Callable[..., HeldElsewhere],
) -> None:
    """SIGQUIT, or a second Ctrl-C: without its grace, though its pool is not for SIGTERM else."""
    here = elsewhere("--grace", "60")
    processes = here.extra.family()
    here.free_the_others()
    here.extra.process.send_signal(signal.SIGQUIT)
    here.extra.process.wait(50)
    wait_until(lambda: not any(process.is_running() for process in processes))
    here.gate.touch()
    assert here.job.result(LIMIT_S) != here.first_pid


def test_a_frozen_worker_that_wakes_is_fenced_and_told_to_stop(
    client: Client, elsewhere: Callable[..., HeldElsewhere]
) -> None:
    """It slept past its lease: its job ran elsewhere, and it learns so."""
    here = elsewhere()
    here.free_the_others()
    frozen = here.extra.family()
    for process in frozen:
        process.suspend()
    wait_until(lambda: len(here.marks.read_text().split()) == 2, 50)
    second_pid = int(here.marks.read_text().split()[1])
    for process in frozen:
        process.resume()
    wait_until(lambda: idle(client, here.extra.process.pid), 20)
    assert here.job.running()
    here.gate.touch()
    assert here.job.result(LIMIT_S) == second_pid
    assert here.extra.process.poll() is None
    assert here.job.record.attempt == 2


def idle(client: Client, pid: int) -> bool:
    """Return whether a worker is there and runs nothing."""
    return any(worker.pid == pid and not worker.jobs for worker in client.workers())


def alive(pid: int) -> bool:
    """Return whether the process runs."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
