"""Jobs that need something of their worker, on a real stack with workers of several kinds."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from extra_workers import end_at_once, extra_worker
from waiting import wait_until

import taskkit
from taskkit.machine import cores
from taskkit.protocol.errors import NoWorkerFits
from taskkit.protocol.jobs import JobState
from taskkit.protocol.wire import record_from_wire

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

two_cores = pytest.mark.skipif(cores() < 2, reason="the machine has one core")


@pytest.fixture(scope="module")
def plain() -> Iterator[taskkit.LocalStack]:
    """A stack with a worker of two processes that has no tags."""
    with taskkit.LocalStack(workers=2) as stack:
        yield stack


@pytest.fixture
def client(plain: taskkit.LocalStack) -> Iterator[taskkit.Client]:
    """A client whose jobs nobody waits for in the end."""
    client = plain.client()
    yield client
    client.close()


def who() -> int:
    """Return the process that a job's pool process belongs to."""
    return os.getppid()


def held(path: str) -> str:
    """Run until a file is there; return how many threads numerical libraries are told to use."""
    while not Path(path).exists():
        time.sleep(0.05)
    return os.environ["OMP_NUM_THREADS"]


def test_a_job_runs_where_its_tag_is(plain: taskkit.LocalStack, client: taskkit.Client) -> None:
    """Each of many, while the other worker idles; what needs nothing runs on either."""
    with extra_worker(plain, "--concurrency", "1", "--tags", "gpu,lab") as worker:
        jobs = [client.options(tags="gpu").submit(who) for _ in range(20)]
        jobs += [client.options(tags=("gpu", "lab")).submit(who)]
        assert {job.result(60) for job in jobs} == {worker.pid}
        small = [client.submit(who) for _ in range(5)]
        assert {job.result(60) for job in small} <= {worker.pid, plain.pids()["worker"]}


def test_a_job_that_no_worker_can_run_says_so_and_waits(
    plain: taskkit.LocalStack, client: taskkit.Client
) -> None:
    """With what there is; when a worker comes that can, it runs, and nothing is said any more."""
    job = client.options(tags="nowhere").submit(who)
    assert job.id
    wait_until(lambda: job.record.waits_for != "")
    assert job.record.waits_for == (
        "waits for a worker with the tag nowhere; live: 1 worker, with no tags (queue default)"
    )
    told = record_from_wire(client._link.http.get(f"/jobs/{job.id}"))
    assert told.waits_for == job.record.waits_for
    with extra_worker(plain, "--concurrency", "1", "--tags", "nowhere") as worker:
        assert job.result(60) == worker.pid
    assert job.record.waits_for == ""


def test_what_is_lacking_is_said_anew_when_workers_come_and_go(
    plain: taskkit.LocalStack, client: taskkit.Client, tmp_path: Path
) -> None:
    """A worker that could run it came, was busy, and left."""
    job = client.options(tags="rare").submit(who)
    wait_until(lambda: "1 worker, with no tags" in job.record.waits_for)
    with extra_worker(plain, "--concurrency", "1", "--tags", "other"):
        wait_until(lambda: "2 workers, with the tag other" in job.record.waits_for)
    wait_until(lambda: "1 worker, with no tags" in job.record.waits_for)
    assert job.cancel()


def test_one_that_waits_for_a_worker_can_be_cancelled(
    plain: taskkit.LocalStack, client: taskkit.Client
) -> None:
    """A worker that comes then has nothing to do."""
    job = client.options(tags="late").submit(who)
    assert job.cancel()
    with extra_worker(plain, "--concurrency", "1", "--tags", "late"):
        assert client.options(tags="late").submit(pow, 2, 3).result(60) == 8
    assert job.record.state is JobState.CANCELLED
    assert job.record.attempt == 0


def test_a_job_may_be_refused_instead(client: taskkit.Client) -> None:
    """Then nothing of it is kept; where a worker fits, it runs as ever."""
    choosy = client.options(require_worker=True, name="choosy")
    with pytest.raises(NoWorkerFits, match="the tag nowhere; live: 1 worker"):
        choosy.options(tags="nowhere").submit(who).result(30)
    with pytest.raises(NoWorkerFits, match="of queue nowhere"):
        choosy.options(queue="nowhere").submit(who).result(30)
    assert client.jobs(name="choosy") == []
    assert choosy.submit(pow, 2, 3).result(60) == 8


def test_packages_and_python_are_those_of_the_worker(client: taskkit.Client) -> None:
    """What is installed there is what it says."""
    needs = client.options(packages={"Celery": ">=5"}, python="3.11")
    here = f"{os.sys.version_info[0]}.{os.sys.version_info[1]}"  # type: ignore[attr-defined]
    assert needs.options(python=here).submit(pow, 2, 3).result(60) == 8
    job = client.options(packages={"celery": "==4.*"}).submit(pow, 2, 3)
    wait_until(lambda: "celery 4.*; live: 1 worker, with celery 5" in job.record.waits_for)
    assert job.cancel()


@two_cores
def test_a_job_of_two_cores_has_them_for_itself(
    plain: taskkit.LocalStack, client: taskkit.Client, tmp_path: Path
) -> None:
    """The other process of its worker runs nothing, though jobs wait; then they are run at once.

    The numerical libraries of the job are told of its cores.
    """
    [worker] = client.workers()
    many = worker.cores or 2
    gate = tmp_path / "gate"
    large = client.options(cpus=many, name="large").submit(held, str(gate))
    wait_until(lambda: large.record.state is JobState.RUNNING)
    small = [client.submit(pow, n, 2) for n in range(8)]
    assert small[-1].id
    with extra_worker(plain, "--concurrency", "1", cores=1):
        assert [job.result(60) for job in small] == [n * n for n in range(8)]
    more = [client.submit(pow, n, 2) for n in range(8)]
    with pytest.raises(TimeoutError):
        more[0].result(1.5)
    assert {job.record.attempt for job in more} == {0}
    gate.touch()
    assert large.result(60) == str(many)
    assert [job.result(60) for job in more] == [n * n for n in range(8)]


@two_cores
def test_cores_are_those_that_a_worker_may_use(
    plain: taskkit.LocalStack, client: taskkit.Client
) -> None:
    """Not those of its machine; a job of two is not for one that is bound to one."""
    with extra_worker(plain, "--concurrency", "2", "--tags", "bound", cores=1):
        job = client.options(cpus=2, tags="bound").submit(pow, 2, 3)
        wait_until(lambda: "none with all of it" in job.record.waits_for)
        assert job.cancel()
        assert client.options(cpus=1, tags="bound").submit(pow, 2, 3).result(60) == 8


@two_cores
def test_a_large_job_has_its_turn_among_many_small_ones(client: taskkit.Client) -> None:
    """It begins before those that were submitted after it have all begun."""
    [worker] = client.workers()
    before = [client.submit(time.sleep, 0.05) for _ in range(4)]
    large = client.options(cpus=worker.cores).submit(time.time)
    after = [client.submit(time.time) for _ in range(40)]
    began = large.result(60)
    assert sum(job.result(60) > began for job in after) >= 38
    assert all(job.result(60) is None for job in before)


def test_a_job_outlives_the_only_worker_that_fits(
    plain: taskkit.LocalStack, client: taskkit.Client, tmp_path: Path
) -> None:
    """It waits, is told what for, and runs on the next one that fits."""
    gate = tmp_path / "gate"
    with extra_worker(plain, "--concurrency", "1", "--tags", "frail") as worker:
        job = client.options(tags="frail").submit(held, str(gate))
        wait_until(lambda: job.record.state is JobState.RUNNING)
        end_at_once(worker)
        wait_until(lambda: job.record.state is JobState.QUEUED, 120)
        wait_until(lambda: "the tag frail; live: 1 worker" in job.record.waits_for, 90)
    gate.touch()
    with extra_worker(plain, "--concurrency", "1", "--tags", "frail"):
        assert job.result(60)
    assert job.record.attempt == 2
