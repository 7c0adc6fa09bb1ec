"""The jobs of one map, and waiting for many."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from typing import Any

import pytest
from scripted import LIMIT_S, Service

import taskkit
from taskkit.client.batch import Batch
from taskkit.client.items import Items
from taskkit.client.job import Job
from taskkit.protocol.jobs import JobRecord, JobState


class Jobs:
    """Three jobs and their batch."""

    def __init__(self) -> None:
        self.service = Service()
        self.jobs: list[Job[Any]] = []
        for n in range(3):
            job: Job[Any] = Job(self.service, "square")
            job.accept(JobRecord(id=f"{n}" * 32, task="square", seq=1))
            self.jobs.append(job)

    def batch(self, deadline: float | None = None) -> Batch[Any]:
        """Return the jobs as one thing."""
        return Batch("square", Items.alone(self.jobs), self.service.connection, deadline)

    def conclude(self, *order: int) -> None:
        """Let jobs succeed in this order, each with the square of its number."""
        for n in order:
            self.jobs[n].conclude(value=n * n)


@pytest.fixture
def three() -> Jobs:
    """Three jobs that nobody has run yet."""
    return Jobs()


def test_results_come_in_the_order_of_the_inputs(three: Jobs) -> None:
    """In whatever order the jobs end; as often as asked."""
    batch = three.batch()
    threading.Timer(0.02, three.conclude, (2, 0, 1)).start()
    assert list(batch) == [0, 1, 4]
    assert list(batch) == [0, 1, 4]
    assert len(batch) == 3


def test_results_are_reached_by_place(three: Jobs) -> None:
    """As in a list; a slice is a list of results."""
    three.conclude(0, 1, 2)
    batch = three.batch()
    assert (batch[1], batch[-1]) == (1, 4)
    assert (batch[1:], batch[::-1]) == ([1, 4], [4, 1, 0])
    with pytest.raises(IndexError):
        batch[3]


def test_one_result_does_not_wait_for_another(three: Jobs) -> None:
    """The last is here, the first is not."""
    three.conclude(2)
    assert three.batch()[2] == 4


def test_next_goes_on_where_it_was(three: Jobs) -> None:
    """What `Executor.map` returns is an iterator, so this is one, too."""
    three.conclude(0, 1, 2)
    batch = three.batch()
    assert [next(batch), next(batch), next(batch)] == [0, 1, 4]
    assert next(batch, "end") == "end"


def test_an_error_is_raised_in_its_place(three: Jobs) -> None:
    """What came before it is there, and what comes after can be had."""
    three.conclude(0, 2)
    three.jobs[1].conclude(error=ValueError("no"))
    batch = three.batch()
    results = iter(batch)
    assert next(results) == 0
    with pytest.raises(ValueError, match="no"):
        next(results)
    assert batch[2] == 4


def test_a_map_with_a_timeout_ends_in_time(three: Jobs) -> None:
    """Counted from the call of `map`, over all results; those that are there still come."""
    three.conclude(0)
    batch = three.batch(deadline=time.monotonic() + 0.05)
    began = time.monotonic()
    assert batch[0] == 0
    for ask in (lambda: batch[1], lambda: batch[2], lambda: list(batch)):
        with pytest.raises(TimeoutError):
            ask()
    assert time.monotonic() - began < 10


def test_cancelling_a_batch_counts_what_was_cancelled(three: Jobs) -> None:
    """What had ended stays as it is."""
    three.conclude(0)
    batch = three.batch()
    assert batch.cancel() == 2
    assert [record.state for record in batch.records()][1:] == [JobState.CANCELLED] * 2
    assert batch[0] == 0


def test_a_batch_is_done_when_all_are(three: Jobs) -> None:
    """And says how far it is."""
    batch = three.batch()
    three.conclude(0, 1)
    assert not batch.done()
    three.conclude(2)
    assert batch.done()
    assert repr(batch) == "<Batch square: 0 of 3 jobs are final>"


def test_watching_a_batch_is_watching_each_job(three: Jobs) -> None:
    """Until it stops."""
    batch, seen = three.batch(), []
    stop = batch.watch(lambda: seen.append("changed"))
    three.conclude(0, 1)
    stop()
    three.conclude(2)
    assert seen == ["changed", "changed"]


def test_jobs_are_yielded_as_they_end(three: Jobs) -> None:
    """Of a batch or a list of jobs, those first that are final already."""
    three.conclude(2)
    for jobs in (three.batch(), three.jobs):
        ended = taskkit.as_completed(jobs, LIMIT_S)
        assert next(ended) is three.jobs[2]
    three.conclude(0)
    assert next(ended) is three.jobs[0]
    three.conclude(1)
    assert list(ended) == [three.jobs[1]]


def test_yielding_as_they_end_may_take_too_long(three: Jobs) -> None:
    """TimeoutError for those that have not ended."""
    three.conclude(1)
    with pytest.raises(TimeoutError):
        list(taskkit.as_completed(three.batch(), 0.02))


def test_waiting_tells_what_ended(three: Jobs) -> None:
    """For all, for the first, or for the first that failed; cancelled ones have ended, too."""
    first, second, third = three.jobs
    first.conclude(value=1)
    some = taskkit.wait(three.batch(), 0.02)
    assert some == ({first}, {second, third})
    second.conclude(error=concurrent.futures.CancelledError())
    assert taskkit.wait([first, second], LIMIT_S) == ({first, second}, set())
    threading.Timer(0.02, third.conclude, (), {"error": ValueError()}).start()
    answer = taskkit.wait(three.batch(), LIMIT_S, concurrent.futures.FIRST_EXCEPTION)
    assert answer == ({first, second, third}, set())


def test_an_empty_batch_is_done() -> None:
    """A map over nothing."""
    batch: Batch[Any] = Batch("square", Items.alone([]), str, None)
    assert (list(batch), len(batch), batch.done(), batch.cancel()) == ([], 0, True, 0)
