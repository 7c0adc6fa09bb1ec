"""What dies in the middle of a job disturbs nobody who watches it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import wait_until

import taskkit
from taskkit.client import Client, Job

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

LIMIT_S = 60


@pytest.fixture(scope="module")
def own_stack() -> Iterator[taskkit.LocalStack]:
    """A stack that these tests may hurt."""
    with taskkit.LocalStack(workers=2) as running:
        yield running


@pytest.fixture
def client(own_stack: taskkit.LocalStack) -> Iterator[Client]:
    """A client of it."""
    made = own_stack.client()
    yield made
    made.close()


def steps(marks: str, gate: str) -> int:
    """Report and print 40 steps, with a stop at the 10th until the gate opens."""
    import os
    import pathlib

    import taskkit

    with pathlib.Path(marks).open("a") as file:
        file.write(f"{os.getpid()}\n")
    for n in taskkit.track(range(40)):
        print(n, flush=True)
        time.sleep(0.02)
        while n == 10 and not pathlib.Path(gate).exists():
            time.sleep(0.02)
    return 40


class Held:
    """A job that is held half-way until `release`."""

    def __init__(self, client: Client, folder: Path) -> None:
        self._gate, self.marks = folder / "gate", folder / "marks"
        self.job: Job[int] = client.submit(steps, str(self.marks), str(self._gate))
        wait_until(lambda: "10\n" in self.job.output)

    def release(self) -> None:
        self._gate.touch()

    def check_whole(self, attempts: int = 1) -> None:
        assert self.job.result(LIMIT_S) == 40
        assert self.job.output == "".join(f"{n}\n" for n in range(40))
        assert self.job.record.attempt == attempts
        assert len(self.marks.read_text().splitlines()) == attempts


@pytest.fixture
def held(client: Client, tmp_path: Path) -> Held:
    """A running job, half-way."""
    return Held(client, tmp_path)


def test_a_killed_server_is_replaced_and_the_client_resumes(
    own_stack: taskkit.LocalStack, client: Client, held: Held
) -> None:
    """The job runs on without a server; what it said meanwhile arrives later, all of it once."""
    before = own_stack.pids()["server"]
    os.kill(before, signal.SIGKILL)
    held.release()
    held.check_whole()
    wait_until(lambda: own_stack.pids().get("server", before) != before)
    # A submission made while nobody listens waits, and is accepted when somebody does.
    assert client.submit(pow, 2, 4).result(LIMIT_S) == 16


def test_a_killed_redis_comes_back_with_every_job(
    own_stack: taskkit.LocalStack, client: Client, held: Held
) -> None:
    """The job is finished once, though its outcome could not be stored at first."""
    os.kill(own_stack.pids()["redis"], signal.SIGKILL)
    held.release()
    later = client.submit(pow, 2, 5)
    held.check_whole()
    assert later.result(LIMIT_S) == 32


def test_a_killed_pool_process_costs_one_attempt(client: Client, held: Held) -> None:
    """The job begins again in another process, and the record says of what the first one died."""
    os.kill(int(held.marks.read_text()), signal.SIGKILL)
    held.release()
    held.check_whole(attempts=2)
    [lost] = held.job.record.past_attempts
    assert "signal 9" in lost.cause


def test_workers_come_and_go_during_a_job(
    own_stack: taskkit.LocalStack, client: Client, held: Held
) -> None:
    """A second worker joins, works and leaves; the job on the first one goes on undisturbed."""
    environment = {**os.environ, "TASKKIT_REDIS_URL": own_stack.redis_url}
    environment["TASKKIT_SIGNING_KEYS_FILE"] = str(own_stack.signing_keys_file)
    command = [sys.executable, "-m", "taskkit", "worker", "--concurrency", "1"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: len(client.workers()) == 2)
            assert list(client.map(pow, range(20), [2] * 20)) == [n**2 for n in range(20)]
        finally:
            process.terminate()
        assert process.wait(30) == 0
    wait_until(lambda: len(client.workers()) == 1)
    held.release()
    held.check_whole()


def test_a_killed_worker_gives_its_jobs_to_the_next(
    own_stack: taskkit.LocalStack, client: Client, held: Held
) -> None:
    """After the lease of at most 45 s the job runs again, on the worker's replacement."""
    os.kill(own_stack.pids()["worker"], signal.SIGKILL)
    held.release()
    held.check_whole(attempts=2)
