"""What runs under joblib's backend "taskkit" gives what it gives without."""

from __future__ import annotations

import doctest
import multiprocessing
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import joblib
import pytest
from joblib import Parallel, delayed, parallel_config
from waiting import wait_until

import taskkit
from taskkit.integrations import joblib as ours
from taskkit.integrations import registration
from taskkit.protocol.errors import CannotTravel, NotReachable, Unavailable
from taskkit.protocol.jobs import JobState
from taskkit.protocol.workers import WorkerInfo

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

registration.offer()

CUBES = [n**3 for n in range(100)]


def calls(count: int = 100) -> Iterator[Any]:
    """Return so many cubes to be computed."""
    return (delayed(pow)(n, 3) for n in range(count))


@pytest.fixture
def backend(client: taskkit.Client) -> Iterator[taskkit.Client]:
    """All that runs in the test runs on the stack; give the client that the jobs belong to."""
    mine = client.options(session=uuid.uuid4().hex)
    with parallel_config("taskkit", client=mine):
        yield mine


def states(client: taskkit.Client) -> set[JobState]:
    """Return in which states the jobs of a client are."""
    return {job.state for job in client.jobs(session=client.session, limit=1000)}


@pytest.mark.usefixtures("found")
def test_without_a_client_the_running_stack_is_found() -> None:
    """And left, with all threads, when nothing needs it any more."""
    before = threading.active_count()
    with parallel_config("taskkit"):
        assert Parallel()(calls()) == CUBES
    assert Parallel(n_jobs=2, backend="taskkit")(calls()) == CUBES
    wait_until(lambda: threading.active_count() <= before)


@pytest.mark.usefixtures("found")
def test_the_examples_in_the_docstrings_run() -> None:
    """As they are written."""
    result = doctest.testmod(ours, raise_on_error=False)
    assert result.attempted > 0
    assert result.failed == 0


def test_where_no_stack_is_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the line that names the backend."""
    monkeypatch.setenv("TASKKIT_URL", "http://127.0.0.1:9")
    with pytest.raises(NotReachable):
        parallel_config("taskkit")


def test_a_misspelt_option_is_refused(client: taskkit.Client) -> None:
    """Not passed over."""
    with pytest.raises(TypeError, match="clinet"):
        parallel_config("taskkit", clinet=client)


def test_jobs_are_called_by_what_is_in_them(backend: taskkit.Client) -> None:
    """And have the client's options, but for a key, under which there is one job."""
    keyed = backend.options(key=uuid.uuid4().hex, retries=1)
    with parallel_config("taskkit", client=keyed):
        assert Parallel()(calls()) == CUBES
    jobs = backend.jobs(session=backend.session)
    assert {job.title for job in jobs} == {"pow"}
    assert {job.record.options.retries for job in jobs} == {1}


def test_quick_calls_share_jobs(backend: taskkit.Client) -> None:
    """Far fewer jobs than calls."""
    assert Parallel()(calls(2000)) == [n**3 for n in range(2000)]
    assert len(backend.jobs(session=backend.session, limit=2000)) < 500


def test_generators_give_results_as_they_come(backend: taskkit.Client) -> None:
    """In order or as they are ready; two at a time do not disturb each other."""
    ordered = Parallel(return_as="generator")(calls())
    unordered = Parallel(return_as="generator_unordered")(calls())
    assert next(ordered) == 0
    assert sorted(unordered) == CUBES
    assert list(ordered) == CUBES[1:]


def test_a_generator_that_is_dropped_cancels_its_jobs_only(backend: taskkit.Client) -> None:
    """Those of another go on."""
    slow = Parallel(return_as="generator")(delayed(time.sleep)(n and 60) for n in range(6))
    other = Parallel(return_as="generator")(calls())
    next(slow)
    with pytest.warns(UserWarning, match="have been cancelled"):
        del slow
    assert list(other) == CUBES
    assert states(backend) == {JobState.SUCCEEDED, JobState.CANCELLED}


def test_one_parallel_serves_again_after_an_error(backend: taskkit.Client) -> None:
    """As in a `with` block of joblib's own."""
    with Parallel() as parallel:
        assert parallel(calls()) == CUBES
        with pytest.raises(TypeError):
            parallel(delayed(pow)(n, "x") for n in range(10))
        assert parallel(calls()) == CUBES


def fail_at_seven(n: int) -> int:
    """Raise for one argument; take a minute for those after it."""
    if n == 7:
        raise ValueError("no sevens")
    time.sleep(0 if n < 7 else 60)
    return n


def test_an_error_is_raised_as_itself_and_the_rest_is_cancelled(backend: taskkit.Client) -> None:
    """With the worker's traceback, and no minute later."""
    began = time.monotonic()
    with pytest.raises(ValueError, match="no sevens") as caught:
        Parallel()(delayed(fail_at_seven)(n) for n in range(20))
    assert "fail_at_seven" in str(caught.value.__cause__)
    assert time.monotonic() - began < 20
    assert states(backend) == {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}


class Laborious:
    """Takes a tenth of a second to pickle."""

    def __reduce__(self) -> tuple[type[Laborious], tuple[()]]:
        time.sleep(0.1)
        return Laborious, ()


def test_after_an_error_no_more_is_sent(backend: taskkit.Client) -> None:
    """Of what was handed over already, too."""
    with Parallel(pre_dispatch="all", batch_size=1) as parallel:
        with pytest.raises(TypeError):
            parallel(delayed(abs)(Laborious()) for _ in range(100))
        assert parallel(calls(4)) == CUBES[:4]
    assert len(backend.jobs(session=backend.session)) < 50


@pytest.mark.parametrize("at", [0, 30], ids=["at once", "later"])
def test_what_cannot_be_sent_is_told_in_the_users_thread(backend: taskkit.Client, at: int) -> None:
    """Also where joblib sends it from a callback; nothing hangs."""
    lock = threading.Lock()
    with pytest.raises(CannotTravel):
        Parallel(batch_size=1)(delayed(id)(lock if n == at else n) for n in range(40))


def test_large_arguments_and_results_come_through(backend: taskkit.Client) -> None:
    """Each 16 MB; more than travel in an event."""
    numpy = pytest.importorskip("numpy")
    arrays = [numpy.full(2_000_000, float(n)) for n in range(3)]
    doubled = Parallel()(delayed(numpy.multiply)(array, 2) for array in arrays)
    assert [float(each.sum()) for each in doubled] == [0.0, 4e6, 8e6]


def test_a_timeout_ends_what_takes_too_long(backend: taskkit.Client) -> None:
    """joblib's own, per batch."""
    with pytest.raises(multiprocessing.TimeoutError):
        Parallel(timeout=0.5)(delayed(time.sleep)(60) for _ in range(3))
    assert states(backend) == {JobState.CANCELLED}


def test_an_interrupt_cancels_what_is_outstanding(backend: taskkit.Client, tmp_path: Path) -> None:
    """What runs and what is queued; the stack is free at once."""
    mark = tmp_path / "mark"

    def linger() -> None:
        mark.touch()
        time.sleep(60)

    def interrupt() -> None:
        wait_until(mark.exists)
        os.kill(os.getpid(), signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    with pytest.raises(KeyboardInterrupt):
        Parallel(pre_dispatch="all")(delayed(linger)() for _ in range(20))
    interrupting.join()
    assert states(backend) == {JobState.CANCELLED}
    assert backend.submit(pow, 2, 5).result(30) == 32


def test_what_joblib_says_of_its_progress_is_said(
    backend: taskkit.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    """The last line, too."""
    assert Parallel(verbose=5)(calls()) == CUBES
    said = capsys.readouterr().err
    assert "Using backend TaskkitBackend with 2 concurrent workers" in said
    assert "Done 100 out of 100" in said


def where() -> tuple[int, str, int, list[int]]:
    """Return the process, what nested calls run on, on how many cores, and how many give what."""
    nested = Parallel(n_jobs=-1)
    active, _ = joblib.parallel.get_active_backend()
    return os.getpid(), type(active).__name__, nested._effective_n_jobs(), nested(calls(4))


def test_nested_calls_stay_in_their_job(backend: taskkit.Client) -> None:
    """More of them than there are processes do not wait for one another."""
    seen = Parallel(batch_size=1)(delayed(where)() for _ in range(6))
    assert os.getpid() not in {pid for pid, *_ in seen}
    cores = max(1, len(os.sched_getaffinity(0)) // 2)
    assert {tuple(rest[:2]) for _, *rest in seen} == {("ThreadingBackend", cores)}
    assert [results for *_, results in seen] == [CUBES[:4]] * 6
    assert {job.title for job in backend.jobs(session=backend.session)} == {"where"}


def asking_again(url: str, token: str) -> tuple[list[int], str]:
    """Name the backend inside a job, which could reach the stack but may not wait for it."""
    registration.offer()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TASKKIT_URL", url)
        environment.setenv("TASKKIT_TOKEN", token)
        with parallel_config("taskkit", n_jobs=-1):
            parallel = Parallel()
            results = parallel(calls(4))
    return results, type(parallel._backend).__name__


def test_a_job_that_names_the_backend_does_not_wait_for_itself(
    stack: taskkit.LocalStack, backend: taskkit.Client
) -> None:
    """Its calls run as nested ones do."""
    asked = [delayed(asking_again)(stack.url, stack.token) for _ in range(6)]
    answers = Parallel(batch_size=1)(asked)
    assert [results for results, _ in answers] == [CUBES[:4]] * 6
    assert {kind for _, kind in answers} <= {"ThreadingBackend", "SequentialBackend"}


def blas_threads() -> set[int]:
    """Return how many threads the loaded libraries would use."""
    import numpy  # noqa: F401
    import threadpoolctl

    return {pool["num_threads"] for pool in threadpoolctl.threadpool_info()}


def test_threads_of_libraries_are_bounded(client: taskkit.Client) -> None:
    """By the share, or by what the user says."""
    pytest.importorskip("threadpoolctl")
    Parallel(backend=ours.TaskkitBackend(client=client))(delayed(blas_threads)() for _ in range(4))
    share = max(1, len(os.sched_getaffinity(0)) // 2)
    for limit, expected in ((None, share), (3, 3)):
        with parallel_config("taskkit", client=client, inner_max_num_threads=limit):
            seen = Parallel()(delayed(blas_threads)() for _ in range(4))
        assert seen == [{expected}] * 4


def met(folder: str, wait_s: float) -> tuple[float, float]:
    """Wait until two have begun, so long at most; return from when to when."""
    begun = time.monotonic()
    Path(folder, f"{os.getpid()} {begun}").touch()
    while len(list(Path(folder).iterdir())) < 2 and time.monotonic() < begun + wait_s:
        time.sleep(0.01)
    return begun, time.monotonic()


@pytest.mark.parametrize(("n_jobs", "wait_s", "is_overlapping"), [(-1, 30, True), (-2, 0.1, False)])
def test_no_more_run_at_a_time_than_asked_for(
    backend: taskkit.Client, tmp_path: Path, n_jobs: int, wait_s: float, is_overlapping: bool
) -> None:
    """Two processes, of which all but one are asked for; nor does it run in this process."""
    parallel = Parallel(n_jobs=n_jobs, pre_dispatch="all", batch_size=1)
    times = sorted(parallel(delayed(met)(str(tmp_path), wait_s) for _ in range(8)))
    overlaps = [later[0] < earlier[1] for earlier, later in pairwise(times)]
    assert any(overlaps) is is_overlapping
    assert len(backend.jobs(session=backend.session)) == 8


def test_one_job_is_none(backend: taskkit.Client) -> None:
    """joblib's rule: with `n_jobs=1` all is called here, one after another."""
    assert Parallel(n_jobs=1)(delayed(os.getpid)() for _ in range(3)) == [os.getpid()] * 3


WORKER = WorkerInfo(name="a", host="a", pid=1, processes=1, python="3.12.0")


class Standin:
    """Stands in for a client of a stack with these workers."""

    def __init__(self, *workers: WorkerInfo) -> None:
        self._workers = workers

    def options(self, **_: object) -> Standin:
        return self

    def workers(self) -> tuple[WorkerInfo, ...]:
        return self._workers

    def submit(self, *_: object) -> Future[Any]:
        raise AssertionError("nothing is to be submitted")


@pytest.mark.parametrize(
    ("processes", "n_jobs", "expected"),
    [
        ([4, 8], None, 12),
        ([4, 8], -1, 12),
        ([4, 8], -3, 10),
        ([4, 8], 5, 5),
        ([4, 8], 50, 12),
        ([4, 8], 1, 1),
        ([1], -1, 2),  # 1 would have joblib call the functions here
    ],
)
def test_jobs_are_counted_as_joblib_does(
    processes: list[int], n_jobs: int | None, expected: int
) -> None:
    """With all workers' processes in the place of cores."""
    client = Standin(*(replace(WORKER, processes=count) for count in processes))
    assert ours.TaskkitBackend(client=client).effective_n_jobs(n_jobs) == expected  # type: ignore[arg-type]


def test_no_jobs_at_all_are_refused() -> None:
    """As by joblib."""
    with pytest.raises(ValueError, match="n_jobs == 0"):
        ours.TaskkitBackend(client=Standin(WORKER)).effective_n_jobs(0)  # type: ignore[arg-type]


def test_where_no_worker_comes_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """And how to start one."""
    monkeypatch.setattr(ours, "WORKER_WITHIN_S", 0)
    with pytest.raises(Unavailable, match="taskkit worker"):
        Parallel(backend=ours.TaskkitBackend(client=Standin()))(calls())  # type: ignore[arg-type]
