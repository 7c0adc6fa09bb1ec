"""How the items of a map become jobs, with jobs that a test ends itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import pytest
from scripted import LIMIT_S, Service

import taskkit
from taskkit.client import spread as spread_module
from taskkit.client.batch import Batch
from taskkit.client.items import Items
from taskkit.client.job import Job
from taskkit.client.spread import Spread
from taskkit.client.submitter import Request
from taskkit.protocol.errors import JobLost, PayloadTooLarge
from taskkit.protocol.jobs import ErrorInfo, JobRecord, JobState, Progress, ResultInfo
from taskkit.travel import chunks as chunks_module
from taskkit.travel.chunks import RELEASED, Blocks, CallsFailed, Chunk, Outcomes, Raised
from taskkit.travel.functions import pickle_calls

Part = tuple[Job[Any], list[int], bool]
"""A job, its items, and whether it is a chunk."""


@dataclass
class Workers:
    """Two processes that squares numbers; each call takes `cost_s` by the clock of the test."""

    cost_s: float = 0.0001

    def __post_init__(self) -> None:
        self.service = Service()
        self.sent: list[Part] = []
        self.is_there = threading.Condition()
        self.is_closed = False

    def order(self, args: tuple[Any, ...]) -> tuple[Job[Any], Request]:
        """Make a job of a call, or of a chunk of calls."""
        job: Job[Any] = Job(self.service, "square")
        is_chunk = isinstance(args[0], Chunk)
        calls = list(chain(*args[0]._blocks(pickle_loads))) if is_chunk else [args]
        part = (job, [call[0] for call in calls], is_chunk)
        return job, Request(job=job, body={"part": part})

    def send(self, requests: list[Request], _jobs: list[Job[Any]]) -> None:
        """Take jobs."""
        if self.is_closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        with self.is_there:
            for request in requests:
                part = request.body["part"]
                part[0].accept(JobRecord(id="a" * 32, task="square", seq=1))
                self.sent.append(part)
            self.is_there.notify_all()

    def next(self, count: int = 1) -> list[Part]:
        """Wait for as many more jobs, and return them."""
        with self.is_there:
            assert self.is_there.wait_for(lambda: len(self.sent) >= count, LIMIT_S), self.sent
            taken, self.sent = self.sent[:count], self.sent[count:]
        return taken

    def finish(self, part: Part, begun: int | None = None) -> None:
        """Let a job succeed; a chunk with its first `begun` calls alone."""
        job, numbers, is_chunk = part
        values = [n * n for n in numbers[:begun]]
        result = ResultInfo(media_type="x", size_bytes=10 * len(values))
        job._record = JobRecord(
            id=job.record.id, task="square", state=JobState.SUCCEEDED, result=result
        )
        outcomes = Outcomes(values, self.cost_s * len(values))
        job.conclude(value=outcomes if is_chunk else values[0])

    def report(self, part: Part, progress: Progress) -> None:
        """Have a job that runs report."""
        before = part[0].record
        record = replace(
            before, state=JobState.RUNNING, seq=before.seq + 1, progress=progress, attempt=1
        )
        part[0].follow(record)

    def map(self, numbers: range, chunksize: int | None = None) -> Batch[int]:
        """Square numbers."""
        items = Items(JobRecord(id="", task="square"), len(numbers))
        made = Blocks([(n,) for n in numbers], pickle_calls)
        spread = Spread(items, made, self.order, self.send, lambda: 2)
        spread.begin(chunksize)
        return Batch("square", items, str, time.monotonic() + LIMIT_S, spread)


def pickle_loads(pickled: bytes) -> Any:
    """Unpickle."""
    import pickle

    return pickle.loads(pickled)


@pytest.fixture
def workers() -> Workers:
    """Two processes for which calls are short."""
    return Workers()


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    """Every map's thread has ended."""
    yield
    for thread in threading.enumerate():
        if thread.name == "taskkit-map":
            thread.join(LIMIT_S)
            assert not thread.is_alive()


@pytest.fixture
def few_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five calls go ahead in each chunk, however many there are."""
    monkeypatch.setattr(chunks_module, "BLOCK_CALLS", 5)
    monkeypatch.setattr(spread_module, "AHEAD_BYTES", 1)


def test_short_calls_share_jobs(workers: Workers) -> None:
    """A chunk for each process goes ahead, and where its time suffices, that is all."""
    batch = workers.map(range(200))
    chunks = workers.next(2)
    assert [numbers for _, numbers, _ in chunks] == [[*range(100)], [*range(100, 200)]]
    for part in chunks:
        workers.finish(part)
    assert list(batch) == [n * n for n in range(200)]
    assert len(batch.jobs) == 2
    assert batch.done()
    assert workers.sent == []


def test_what_goes_ahead_is_not_large(workers: Workers, few_ahead: None) -> None:
    """The others follow as soon as one of them is back, in as many chunks as processes."""
    batch = workers.map(range(200))
    first, second = workers.next(2)
    assert (first[1], second[1]) == ([*range(5)], [*range(5, 10)])
    workers.finish(second)
    chunks = workers.next(2)
    assert [len(part[1]) for part in chunks] == [95, 95]
    for part in (*chunks, first):
        workers.finish(part)
    assert list(batch) == [n * n for n in range(200)]


def test_what_comes_back_is_given_to_chunks_that_fit_their_time(workers: Workers) -> None:
    """A tenth of a second of calls."""
    workers.cost_s = 0.002
    workers.map(range(1030))
    for part in workers.next(2):
        workers.finish(part, begun=15)
    sizes = [len(part[1]) for part in workers.next(20)]
    assert sizes == [50] * 20


def test_a_chunk_s_results_are_not_too_large(
    workers: Workers, few_ahead: None, monkeypatch: Any
) -> None:
    """By what the first ones take: 10 bytes each."""
    monkeypatch.setattr(spread_module, "CHUNK_RESULT_BYTES", 200)
    workers.map(range(210))
    for part in workers.next(2):
        workers.finish(part)
    assert [len(part[1]) for part in workers.next(10)] == [20] * 10


def test_long_calls_have_a_job_each(workers: Workers) -> None:
    """When the second ones took long, too: the first may have imported something."""
    workers.cost_s = 0.05
    batch = workers.map(range(100))
    for part in workers.next(2):
        workers.finish(part, begun=1)
    ahead = workers.next(2)
    assert [numbers for _, numbers, _ in ahead] == [[*range(1, 50)], [*range(51, 100)]]
    for part in ahead:
        workers.finish(part, begun=1)
    singles = workers.next(96)
    assert all(not is_chunk for _, _, is_chunk in singles)
    for part in singles:
        workers.finish(part)
    assert list(batch) == [n * n for n in range(100)]


def test_only_a_first_call_that_is_slow_does_not_matter(workers: Workers) -> None:
    """The second ones decide; the rest of those stays together."""
    workers.cost_s = 1.0
    batch = workers.map(range(100))
    first, other = workers.next(2)
    workers.finish(first, begun=1)
    (second,) = workers.next(1)
    assert second[1] == [*range(1, 50)]
    workers.cost_s = 0.0001
    workers.finish(second)
    workers.finish(other)
    assert list(batch) == [n * n for n in range(100)]
    assert workers.sent == []


def test_calls_that_do_not_come_back_are_not_waited_for(
    workers: Workers, few_ahead: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All others have a job each; so have those that a chunk ahead has said it will not begin."""
    monkeypatch.setattr(spread_module, "PATIENCE_S", 0.2)
    workers.map(range(100))
    first, second = workers.next(2)
    workers.report(first, Progress(done=0, total=1, message=RELEASED))
    numbers = sorted(chain(*(part[1] for part in workers.next(94))))
    assert numbers == [*range(1, 5), *range(10, 100)]
    workers.report(second, Progress(done=1, total=2, message=RELEASED))
    assert [part[1] for part in workers.next(3)] == [[7], [8], [9]]


def test_what_those_ahead_release_waits_for_what_others_took(
    workers: Workers, few_ahead: None
) -> None:
    """A call that is long among short ones holds up no other, nor makes them jobs of their own."""
    batch = workers.map(range(100))
    first, second = workers.next(2)
    workers.report(first, Progress(done=0, total=1, message=RELEASED))
    workers.finish(second)
    released, *others = sorted(workers.next(3), key=lambda part: part[1])
    assert released[1] == [*range(1, 5)]
    assert [len(part[1]) for part in others] == [45, 45]
    for part in (released, *others):
        workers.finish(part)
    workers.finish(first, begun=1)
    assert list(batch) == [n * n for n in range(100)]
    assert workers.sent == []


def test_calls_that_fail_tell_how_long_they_take(workers: Workers, few_ahead: None) -> None:
    """Many short ones of which each tenth fails are no reason for jobs of their own."""
    workers.map(range(100))
    (job, _, _), _ = workers.next(2)
    error = ErrorInfo(type="ValueError", message="no")
    job.conclude(error=CallsFailed(Outcomes([0, 1, Raised(error, None), 9, 16], 0.0005)))
    assert [len(part[1]) for part in workers.next(2)] == [45, 45]


def test_a_chunk_ahead_that_is_lost_tells_nothing_of_the_others(
    workers: Workers, few_ahead: None
) -> None:
    """The other one does; where all are lost, the others have a job each."""
    batch = workers.map(range(100))
    first, second = workers.next(2)
    first[0].conclude(error=JobLost("gone"))
    workers.finish(second)
    assert [len(part[1]) for part in workers.next(2)] == [45, 45]
    with pytest.raises(JobLost):
        batch[0]
    workers.map(range(100))
    for part in workers.next(2):
        part[0].conclude(error=JobLost("gone"))
    assert len(workers.next(90)) == 90


def test_what_a_chunk_gives_back_has_another_job(workers: Workers) -> None:
    """And what that gives back, again."""
    batch = workers.map(range(100))
    first, second = workers.next(2)
    workers.finish(second)
    workers.cost_s = 0.3  # the calls turned out to be long
    workers.finish(first, begun=9)
    assert not batch.done()
    assert batch.records()[20].state is JobState.QUEUED
    singles = workers.next(41)
    assert [numbers for _, numbers, _ in singles] == [[n] for n in range(9, 50)]
    for part in singles:
        workers.finish(part)
    assert list(batch) == [n * n for n in range(100)]


def behind(workers: Workers, numbers: int) -> tuple[Batch[int], Part, Part]:
    """Map so many numbers; return the two chunks that follow those which went ahead."""
    batch = workers.map(range(numbers))
    for part in workers.next(2):
        workers.finish(part)
    first, second = workers.next(2)
    return batch, first, second


def released(workers: Workers, numbers: int, kept: int) -> tuple[Batch[int], Part, list[Part]]:
    """Map so many numbers; return a chunk, which makes `kept` calls, and what follows."""
    batch, first, second = behind(workers, numbers)
    workers.finish(second)
    workers.report(first, Progress(done=7, total=9, message="the call's own"))
    workers.report(first, Progress(done=kept - 1, total=kept, message=RELEASED))
    workers.report(first, Progress(done=8, total=9, message="the call's own"))
    return batch, first, workers.next(12)  # 36 calls, three to each


def test_what_a_chunk_releases_has_another_job_at_once(workers: Workers, few_ahead: None) -> None:
    """While its last call goes on for long."""
    batch, first, others = released(workers, 100, kept=9)
    numbers = sorted(chain(*(part[1] for part in others)))
    assert numbers == list(range(19, 55))
    asked: list[int] = []
    asking = threading.Thread(target=lambda: asked.append(batch[20]))
    asking.start()
    for part in others:
        workers.finish(part)
    asking.join(LIMIT_S)
    assert asked == [400]
    assert not batch.done()
    workers.finish(first, begun=9)
    assert list(batch) == [n * n for n in range(100)]
    assert workers.sent == []


def test_who_waits_for_an_item_goes_where_it_goes(workers: Workers, few_ahead: None) -> None:
    """Also when it began to wait before the chunk released it, and with a time limit."""
    batch, first, _ = behind(workers, 100)
    asked: list[int] = []
    asking = threading.Thread(target=lambda: asked.append(batch[20]))
    asking.start()
    asking.join(0.05)
    assert asking.is_alive()
    workers.report(first, Progress(done=8, total=9, message=RELEASED))
    for part in workers.next(12):
        workers.finish(part)
    asking.join(LIMIT_S)
    assert asked == [400]
    assert batch._spread is not None
    with pytest.raises(TimeoutError, match="goes on"):
        batch._items.wait(11, time.monotonic() + 0.05)


def test_a_chunk_that_releases_and_is_lost_loses_its_own_calls(
    workers: Workers, few_ahead: None
) -> None:
    """Not those that others have by then."""
    batch, first, others = released(workers, 100, kept=9)
    for part in others:
        workers.finish(part)
    first[0].conclude(error=JobLost("every attempt died"))
    assert batch[99] == 99**2
    assert batch[19] == 361
    with pytest.raises(JobLost):
        batch[10]
    assert workers.sent == []


def test_what_is_released_to_a_map_that_was_cancelled_is_cancelled(
    workers: Workers, few_ahead: None
) -> None:
    """Even where the job that released it goes on, and ends well."""
    batch, first, second = behind(workers, 100)
    assert batch._spread is not None
    batch._spread.stop()
    workers.finish(second)
    workers.report(first, Progress(done=8, total=9, message=RELEASED))
    with pytest.raises(CancelledError):
        batch[20]
    workers.finish(first, begun=9)
    assert batch[10] == 100
    assert batch._spread.is_over()
    assert workers.sent == []


def test_a_spread_is_not_over_while_released_calls_are_under_way(
    workers: Workers, few_ahead: None
) -> None:
    """Nor before they have a job."""
    batch, first, others = released(workers, 100, kept=9)
    spread = batch._spread
    assert spread is not None
    workers.finish(first, begun=9)
    assert not spread.is_over()
    for part in others:
        workers.finish(part)
    spread.wait()
    assert spread.is_over()


def test_results_that_are_too_large_together_come_alone(workers: Workers, few_ahead: None) -> None:
    """The work is done again, and not lost."""
    batch, first, second = behind(workers, 100)
    workers.finish(second)
    first[0].conclude(error=PayloadTooLarge("the result takes 99 MiB"))
    for part in workers.next(45):
        workers.finish(part)
    assert list(batch) == [n * n for n in range(100)]


def test_a_chunk_size_is_taken_as_it_is(workers: Workers) -> None:
    """At once, and without a limit of time."""
    batch = workers.map(range(10), chunksize=4)
    parts = workers.next(3)
    assert [numbers for _, numbers, _ in parts] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    for part in parts:
        workers.finish(part)
    assert list(batch) == [n * n for n in range(10)]


def test_a_call_that_failed_is_shown_failed_alone(workers: Workers) -> None:
    """The others of its chunk succeeded."""
    batch = workers.map(range(4), chunksize=4)
    ((job, _, _),) = workers.next()
    error = ErrorInfo(type="ValueError", message="no")
    job._record = JobRecord(id="a" * 32, task="square", state=JobState.FAILED, error=error)
    job.conclude(error=CallsFailed(Outcomes([0, Raised(error, None), 4, 9], 0.1)))
    states = [record.state for record in batch.records()]
    assert states == [JobState.SUCCEEDED, JobState.FAILED, JobState.SUCCEEDED, JobState.SUCCEEDED]
    assert [record.error for record in batch.records()] == [None, error, None, None]
    assert batch[3] == 9
    with pytest.raises(taskkit.RemoteError, match="ValueError: no"):
        batch[1]


def test_cancelling_withdraws_what_was_not_sent(workers: Workers) -> None:
    """Of those sent the server decides."""
    batch = workers.map(range(100))
    ahead = workers.next(2)
    assert batch.cancel() == 100
    assert not workers.sent
    for job, _, _ in ahead:
        job.conclude(error=CancelledError())
    for index in (0, 50):
        with pytest.raises(CancelledError):
            batch[index]
    assert batch.done()


def test_a_client_that_was_closed_refuses_the_others(workers: Workers, few_ahead: None) -> None:
    """They end, and say why; so does what a chunk gives back."""
    batch, first, _ = behind(workers, 100)
    other = workers.map(range(100))
    ahead = workers.next(2)
    workers.is_closed = True
    workers.finish(ahead[0])
    with pytest.raises(RuntimeError, match="after shutdown"):
        other[99]
    workers.finish(first, begun=9)
    with pytest.raises(RuntimeError, match="after shutdown"):
        batch[20]


def test_waiting_for_a_spread_is_waiting_for_its_last_job(
    workers: Workers, few_ahead: None
) -> None:
    """What may come back may be sent again."""
    batch = workers.map(range(100))
    assert batch._spread is not None
    waiting = threading.Thread(target=batch._spread.wait, daemon=True)
    waiting.start()
    for part in workers.next(2):
        workers.finish(part)
    first, second = workers.next(2)
    workers.finish(second)
    workers.finish(first, begun=40)
    waiting.join(0.05)
    assert waiting.is_alive()
    workers.finish(workers.next()[0])
    waiting.join(LIMIT_S)
    assert not waiting.is_alive()


def test_each_item_has_a_future(workers: Workers, few_ahead: None) -> None:
    """Also those that have no job yet, and those that are given back."""
    batch = workers.map(range(100))
    ahead = workers.next(2)
    futures = batch.futures()
    assert not any(future.done() for future in futures)
    for part in ahead:
        workers.finish(part)
    first, second = workers.next(2)
    workers.finish(second)
    workers.finish(first, begun=40)
    workers.finish(workers.next()[0])
    done, _ = taskkit.wait(batch, LIMIT_S)
    assert len(done) == 100
    assert [future.result(0) for future in futures] == [n * n for n in range(100)]


def test_a_result_is_let_go_as_it_is_yielded(workers: Workers) -> None:
    """Where nobody holds the batch; else it can be asked for again."""
    batch = workers.map(range(4), chunksize=4)
    (part,) = workers.next()
    workers.finish(part)
    values = part[0].result(0).values
    results = iter(batch)
    assert [next(results), next(results)] == [0, 1]
    assert values == [0, 1, 4, 9]
    del batch
    assert next(results) == 4
    assert values == [0, 1, None, 9]
