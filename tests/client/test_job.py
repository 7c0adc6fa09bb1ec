"""A job is a future, and more."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from concurrent.futures import CancelledError, Future
from dataclasses import replace
from typing import Any

import pytest
from scripted import LIMIT_S, Service

from taskkit.client import job as job_module
from taskkit.client.board import Board
from taskkit.client.job import Job
from taskkit.protocol.errors import InvalidArguments, JobNotFound
from taskkit.protocol.jobs import JobRecord, JobState, Progress

RUNNING = JobRecord(id="a" * 32, task="fit", state=JobState.RUNNING, seq=2, attempt=1)
SUCCEEDED = replace(RUNNING, state=JobState.SUCCEEDED, seq=9)


@pytest.fixture
def service() -> Service:
    """What stands for the client."""
    return Service()


@pytest.fixture
def job(service: Service) -> Job[Any]:
    """A job that runs."""
    made: Job[Any] = Job(service, "fit")
    made.accept(replace(RUNNING, state=JobState.QUEUED, seq=1))
    made.follow(RUNNING)
    return made


def soon(call: Any, *args: Any, **kwargs: Any) -> threading.Thread:
    """Call in another thread, while this one is about to wait."""
    thread = threading.Timer(0.05, call, args, kwargs)
    thread.start()
    return thread


def test_a_job_is_a_future(job: Job[Any]) -> None:
    """Of the standard library, so that what takes futures takes jobs."""
    assert isinstance(job, Future)
    assert (job.running(), job.done(), job.cancelled()) == (True, False, False)
    job.conclude(value=7)
    assert (job.running(), job.done(), job.cancelled()) == (False, True, False)


def test_a_result_is_waited_for(job: Job[Any]) -> None:
    """It wakes as soon as the value is here, not at the next look."""
    soon(job.conclude, value=42)
    began = time.monotonic()
    assert job.result() == 42
    assert job.exception() is None
    assert time.monotonic() - began < job_module.RECHECK_S / 2


def test_an_exception_is_raised_as_itself(job: Job[Any]) -> None:
    """The very object, by `result`; returned by `exception`."""
    error = ValueError("no")
    soon(job.conclude, error=error)
    with pytest.raises(ValueError) as caught:
        job.result()
    assert caught.value is error
    assert job.exception() is error


@pytest.mark.parametrize("error", [TimeoutError("own"), SystemExit(3), StopIteration(7)])
def test_an_exception_that_waiting_uses_too_is_still_the_tasks(
    job: Job[Any], error: BaseException
) -> None:
    """A task that raised TimeoutError has ended; nobody waits on."""
    job.conclude(error=error)
    assert job.exception(timeout=LIMIT_S) is error
    with pytest.raises(type(error)) as caught:
        job.result()
    assert caught.value is error


@pytest.mark.parametrize("timeout", [0, 0.05])
def test_a_wait_may_end_too_early(job: Job[Any], timeout: float) -> None:
    """The built-in TimeoutError, which says that the job goes on; it can be waited for again."""
    for wait in (job.result, job.exception):
        with pytest.raises(TimeoutError, match="goes on"):
            wait(timeout)
    assert not job.done()
    job.conclude(value=1)
    assert job.result(timeout) == 1


def test_a_wait_asks_the_server_itself(
    job: Job[Any], service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no event tells of the end, the answer does."""
    monkeypatch.setattr(job_module, "RECHECK_S", 0.02)
    service.on_refresh = lambda _id: len(service.refreshed) == 3 and job.conclude(value="found")
    assert job.result(LIMIT_S) == "found"
    assert service.refreshed == [RUNNING.id] * 3


def test_cancel_ends_a_running_job(job: Job[Any], service: Service) -> None:
    """Unlike the standard library's, which only cancels what has not begun."""
    assert job.cancel() is True
    assert job.state is JobState.CANCELLED
    assert [record.state for record in service.settled] == [JobState.CANCELLED]


def test_cancel_says_when_it_came_too_late(job: Job[Any], service: Service) -> None:
    """The job had ended before; it stays as it is."""
    service.cancel_answer = JobState.SUCCEEDED
    assert job.cancel() is False
    job.conclude(value=1)
    assert job.cancel() is False
    assert job.result() == 1


def test_a_cancelled_job_wakes_all_who_wait(job: Job[Any]) -> None:
    """`result`, `exception`, `wait`, `as_completed` and callbacks alike."""
    called = threading.Event()
    job.add_done_callback(lambda _: called.set())
    soon(job.conclude, error=CancelledError())
    assert [*concurrent.futures.as_completed([job], LIMIT_S)] == [job]
    assert concurrent.futures.wait([job], LIMIT_S).done == {job}
    assert called.wait(LIMIT_S)
    assert job.cancelled()
    for wait in (job.result, job.exception):
        with pytest.raises(CancelledError):
            wait()


def test_a_job_is_awaited(job: Job[Any]) -> None:
    """In a cell with a top-level await, say; the loop goes on meanwhile."""

    async def cell() -> tuple[Any, Any]:
        turns = asyncio.create_task(asyncio.sleep(0, "other"))
        return await job, await turns

    soon(job.conclude, value=5)
    assert asyncio.run(cell()) == (5, "other")


def test_an_awaited_job_raises_its_own_exception(job: Job[Any]) -> None:
    """As `result` does."""

    async def cell() -> Any:
        return await job

    soon(job.conclude, error=ZeroDivisionError("by zero"))
    with pytest.raises(ZeroDivisionError, match="by zero"):
        asyncio.run(cell())


def test_callbacks_are_called_with_the_job(job: Job[Any]) -> None:
    """One that raises keeps none of the others from it."""
    seen: list[Future[Any]] = []
    job.add_done_callback(lambda _: 1 / 0)
    job.add_done_callback(seen.append)
    job.conclude(value=1)
    job.add_done_callback(seen.append)
    assert seen == [job, job]


def test_progress_is_told_as_it_comes(job: Job[Any]) -> None:
    """Once for each report; one callback that raises harms neither the others nor the job."""
    seen: list[Progress] = []
    job.on_progress(lambda _: 1 / 0)
    job.on_progress(seen.append)
    half, whole = Progress(done=1, total=2), Progress(done=2, total=2)
    job.follow(replace(RUNNING, seq=3, progress=half))
    job.follow(replace(RUNNING, seq=4, progress=half, output="a line"))
    job.follow(replace(RUNNING, seq=5, progress=whole))
    assert seen == [half, whole]
    assert (job.progress, job.output) == (whole, "")


def test_watchers_are_told_until_they_stop(job: Job[Any]) -> None:
    """Of each change and of the end."""
    seen: list[str] = []
    stop = job.watch(lambda: seen.append(job.state))
    job.follow(replace(RUNNING, seq=3))
    job.conclude(value=1)
    stop()
    stop()
    job.follow(SUCCEEDED)
    assert seen == ["running", "running"]


def test_an_older_record_changes_nothing(job: Job[Any]) -> None:
    """What overtook it stands."""
    job.follow(replace(RUNNING, seq=1, state=JobState.QUEUED))
    assert job.state is JobState.RUNNING


def test_an_outcome_is_brought_once(job: Job[Any], service: Service) -> None:
    """Two ways lead to the news of the end."""
    job.follow(SUCCEEDED)
    job.follow(SUCCEEDED)
    job.follow(replace(SUCCEEDED, seq=10))
    assert service.settled == [SUCCEEDED]
    job.conclude(value=1)
    job.conclude(value=2)
    job.conclude(error=ValueError())
    assert job.result() == 1


def test_a_job_that_was_final_when_it_was_found_has_its_outcome(service: Service) -> None:
    """As one found by its id after a restart of the kernel, or by a key used before."""
    found: Job[Any] = Job(service, "fit")
    found.accept(SUCCEEDED)
    Board().add(found, SUCCEEDED)
    assert service.settled == [SUCCEEDED]
    assert found.state is JobState.SUCCEEDED


def test_a_refused_job_raises_why(service: Service) -> None:
    """Wherever it is asked: for its id, its result, or whether it was accepted."""
    job: Job[Any] = Job(service, "fit")
    error = InvalidArguments("size: missing")
    soon(job.refuse, error)
    with pytest.raises(InvalidArguments):
        job.wait_decided(LIMIT_S)
    for ask in (lambda: job.id, job.result):
        with pytest.raises(InvalidArguments, match="size: missing"):
            ask()
    assert job.exception() is error
    assert job.state is JobState.FAILED
    assert job.record.error is not None
    assert job.record.error.message == "size: missing"


def test_a_job_that_the_server_has_forgotten_says_so(job: Job[Any]) -> None:
    """Nobody waits for it for ever."""
    soon(job.lose, JobNotFound("there is no job"))
    with pytest.raises(JobNotFound):
        job.result(LIMIT_S)


def test_the_id_waits_until_it_is_known(service: Service) -> None:
    """`submit` returns before the server has answered."""
    job: Job[Any] = Job(service, "fit")
    soon(job.accept, RUNNING)
    assert job.id == RUNNING.id


def test_a_wait_of_many_kinds_takes_jobs_and_futures(service: Service) -> None:
    """Both are futures."""
    job: Job[Any] = Job(service, "fit")
    plain: Future[int] = Future()
    plain.set_result(1)
    done, not_done = concurrent.futures.wait(
        [job, plain], LIMIT_S, concurrent.futures.FIRST_COMPLETED
    )
    assert (done, not_done) == ({plain}, {job})


def test_a_job_shows_its_connection_while_it_matters(job: Job[Any], service: Service) -> None:
    """What is being done about a lost server, until the job is done."""
    service.state_of_connection = "reconnecting for 3 s"
    assert job.connection() == "reconnecting for 3 s"
    job.conclude(value=1)
    assert job.connection() == ""


def test_its_repr_is_the_same_in_every_run(job: Job[Any]) -> None:
    """A saved notebook compares well."""
    assert repr(job) == "<Job fit: running>"
