"""An outcome that is brought when somebody asks."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from scripted import LIMIT_S, Service

import taskkit
from taskkit.client import deferred as deferred_module
from taskkit.client.deferred import Deferred
from taskkit.client.job import Job
from taskkit.client.results import Outcome
from taskkit.protocol.errors import NotReachable, Unavailable
from taskkit.protocol.jobs import ErrorInfo, JobRecord, JobState

SUCCEEDED = JobRecord(id="a" * 32, task="fit", state=JobState.SUCCEEDED, seq=9)
FAILED = replace(SUCCEEDED, state=JobState.FAILED, error=ErrorInfo(type="Stuck", message="at 3"))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked again is asked again soon."""
    monkeypatch.setattr(deferred_module, "FIRST_WAIT_S", 0.01)


class Server:
    """Has one outcome, and counts how often it was asked."""

    def __init__(self, outcome: Outcome, *failures: Exception) -> None:
        self.asked = 0
        self.threads: set[threading.Thread] = set()
        self._outcome, self._failures = outcome, list(failures)

    def bring(self) -> Outcome:
        """Return the outcome, or raise what is wrong with the server."""
        self.asked += 1
        self.threads.add(threading.current_thread())
        if self._failures:
            raise self._failures.pop(0)
        return self._outcome


def job_of(server: Server, record: JobRecord = SUCCEEDED) -> Job[Any]:
    """Return a job that was final when it was found."""
    job: Job[Any] = Job(Service(), "fit")
    job.accept(record)
    job.defer(record, Deferred(server.bring))
    return job


def test_it_is_brought_once_and_not_before() -> None:
    """However many ask at the same time; in the thread of the first."""
    server = Server(Outcome([1, 2, 3]))
    job = job_of(server)
    assert (job.done(), job.running(), job.cancelled(), server.asked) == (True, False, False, 0)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda _: job.result(LIMIT_S), range(8))) == [[1, 2, 3]] * 8
    assert job.exception() is None
    assert server.asked == 1


def test_an_error_is_raised_as_itself() -> None:
    """The very object, also returned by `exception`."""
    error = ValueError("no")
    job = job_of(Server(Outcome(error=error)), FAILED)
    with pytest.raises(ValueError) as caught:
        job.result()
    assert caught.value is error
    assert job.exception() is error


def test_a_server_that_is_away_is_waited_for() -> None:
    """Nobody notices."""
    server = Server(Outcome(7), NotReachable(), Unavailable())
    assert job_of(server).result() == 7
    assert server.asked == 3


def test_a_wait_for_the_server_ends_in_time() -> None:
    """The time over says why; the result can be asked for again."""
    server = Server(Outcome(7), *[NotReachable("no route")] * 1000)
    job = job_of(server)
    for ask in (job.result, job.exception):
        with pytest.raises(TimeoutError, match="no route"):
            ask(0.03)
    server._failures.clear()
    assert job.result(0) == 7


def test_who_asks_meanwhile_waits_no_longer_than_it_wants() -> None:
    """Another thread is at it."""
    is_asked, may_answer = threading.Event(), threading.Event()

    def bring() -> Outcome:
        is_asked.set()
        assert may_answer.wait(LIMIT_S)
        return Outcome(7)

    job: Job[Any] = Job(Service(), "fit")
    job.defer(SUCCEEDED, Deferred(bring))
    first = threading.Thread(target=job.result)
    first.start()
    assert is_asked.wait(LIMIT_S)
    with pytest.raises(TimeoutError):
        job.result(0.01)
    may_answer.set()
    assert job.result(LIMIT_S) == 7
    first.join(LIMIT_S)


def test_the_standard_library_sees_that_it_has_ended() -> None:
    """`as_completed`, `wait` and callbacks, without anything being brought."""
    good, bad = Server(Outcome(1)), Server(Outcome(error=ValueError()))
    jobs = [job_of(good), job_of(bad, FAILED)]
    called: list[Any] = []
    for job in jobs:
        job.add_done_callback(called.append)
    assert set(concurrent.futures.as_completed(jobs, LIMIT_S)) == set(jobs)
    assert set(taskkit.as_completed(jobs, LIMIT_S)) == set(jobs)
    assert taskkit.wait(jobs, LIMIT_S) == (set(jobs), set())
    assert called == jobs
    assert good.asked == bad.asked == 0


def test_one_that_failed_ends_a_wait_for_the_first_exception() -> None:
    """Whether it is found during the wait or was there before."""
    waiting: Job[Any] = Job(Service(), "fit")
    found: Job[Any] = Job(Service(), "fit")
    bring = Server(Outcome(error=ValueError())).bring
    timer = threading.Timer(0.02, found.defer, (FAILED, Deferred(bring)))
    began = time.monotonic()
    timer.start()
    for _ in range(2):
        first = concurrent.futures.wait([waiting, found], LIMIT_S, "FIRST_EXCEPTION")
        assert first.done == {found}
    assert time.monotonic() - began < LIMIT_S / 2


def test_it_can_be_asked_for_in_a_callback_of_the_clients() -> None:
    """No thread of the client's is needed for it, so none can wait for itself."""
    server = Server(Outcome(7))
    found, seen = job_of(server), []
    other: Job[Any] = Job(Service(), "fit")
    other.add_done_callback(lambda _: seen.append(found.result(LIMIT_S)))
    other.conclude(value=1)
    assert seen == [7]
    assert server.threads == {threading.current_thread()}


def test_it_is_awaited_without_holding_up_the_loop() -> None:
    """The server is waited for in another thread."""
    server = Server(Outcome(7), *[NotReachable()] * 3)

    async def cell() -> tuple[Any, Any]:
        turns = asyncio.create_task(asyncio.sleep(0, "other"))
        return await job_of(server), await turns

    assert asyncio.run(cell()) == (7, "other")
    assert threading.current_thread() not in server.threads


def test_watchers_learn_that_it_has_ended() -> None:
    """A panel that was there before the server's answer."""
    job: Job[Any] = Job(Service(), "fit")
    seen: list[str] = []
    job.watch(lambda: seen.append(job.state))
    job.accept(SUCCEEDED)
    job.defer(SUCCEEDED, Deferred(Server(Outcome(1)).bring))
    assert seen == ["succeeded"]
