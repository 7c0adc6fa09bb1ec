"""A worker that grows under load and shrinks after it, with Celery's own autoscaler."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from extra_workers import extra_worker
from waiting import wait_until

import taskkit
from taskkit.protocol.jobs import JobState

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

GROWING = ("--queues", "growing", "--tags", "growing", "--autoscale", "1,4")


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[taskkit.LocalStack]:
    """A stack whose extra workers shrink soon."""
    monkeypatch.setenv("TASKKIT_WORKER_SHRINK_AFTER_S", "3")
    with taskkit.LocalStack(workers=1) as running:
        yield running


def until(path: str) -> int:
    """Run until a file is there."""
    while not Path(path).exists():
        time.sleep(0.05)
    return 1


def processes(client: taskkit.Client, pid: int) -> int:
    """Return how many processes a worker says that it has."""
    return next(worker.processes for worker in client.workers() if worker.pid == pid)


def is_running(job: taskkit.Job[int]) -> bool:
    """Return whether a job runs."""
    return job.record.state is JobState.RUNNING


@pytest.mark.parametrize("options", [{}, {"tags": "growing"}], ids=["plain", "with needs"])
def test_a_worker_grows_under_load_and_shrinks_after_it(
    stack: taskkit.LocalStack, tmp_path: Path, options: dict[str, str]
) -> None:
    """From one process to four, which all run at once, and back; a busy one is never ended."""
    gate, last = tmp_path / "gate", tmp_path / "last"
    with extra_worker(stack, *GROWING) as worker, stack.client() as client:
        mine = client.options(queue="growing", **options)  # type: ignore[arg-type]
        pool = psutil.Process(worker.pid)
        assert processes(client, worker.pid) == 1
        [lasting] = [mine.submit(until, str(last))]
        wait_until(lambda: is_running(lasting))
        jobs = [mine.submit(until, str(gate)) for _ in range(3)]
        wait_until(lambda: all(is_running(job) for job in jobs))
        wait_until(lambda: processes(client, worker.pid) == 4)
        gate.touch()
        assert [job.result(60) for job in jobs] == [1, 1, 1]
        wait_until(lambda: len(pool.children()) == 1)
        assert is_running(lasting)
        last.touch()
        assert lasting.result(60) == 1
        assert lasting.record.attempt == 1
        wait_until(lambda: processes(client, worker.pid) == 1)
        # And it is as good as new.
        assert [job.result(60) for job in [mine.submit(pow, n, 2) for n in range(20)]] == [
            n * n for n in range(20)
        ]


def test_a_worker_that_is_killed_when_it_has_grown_loses_no_job(
    stack: taskkit.LocalStack, tmp_path: Path
) -> None:
    """Its processes end with it; what they ran is run elsewhere."""
    gate = tmp_path / "gate"
    with extra_worker(stack, *GROWING) as worker, stack.client() as client:
        mine = client.options(queue="growing")
        jobs = [mine.submit(until, str(gate)) for _ in range(6)]
        wait_until(lambda: sum(map(is_running, jobs)) == 4)
        pool = psutil.Process(worker.pid).children()
        worker.kill()
        worker.wait(60)
        wait_until(lambda: not any(is_running(job) for job in jobs), 120)
        gate.touch()
        with extra_worker(stack, *GROWING):
            assert [job.result(90) for job in jobs] == [1] * 6
        wait_until(lambda: not any(process.is_running() for process in pool))
