"""From a client through server, Redis and worker processes and back: all of them real."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import taskkit
from taskkit.client import Client
from taskkit.protocol.errors import CannotTravel, InvalidArguments, TaskNotFound, Unauthorized
from taskkit.protocol.jobs import Progress

pytestmark = pytest.mark.stack

LIMIT_S = 60


@pytest.fixture
def client(stack: taskkit.LocalStack) -> Iterator[Client]:
    """A client of the session's stack."""
    made = stack.client()
    yield made
    made.close()


class Diverged(Exception):
    """An exception of the notebook's own, with a constructor of its own."""

    def __init__(self, step: int, *, loss: float) -> None:
        super().__init__(f"loss {loss} at step {step}")
        self.step = step


def test_a_function_runs_on_a_worker_and_its_result_comes_back(client: Client) -> None:
    """A lambda with a variable of its surroundings runs in another process."""
    offset = 40
    job = client.submit(lambda x: (x + offset, os.getpid()), 2)
    total, pid = job.result(LIMIT_S)
    assert total == 42
    assert pid != os.getpid()
    assert job.state == "succeeded"
    assert job.record.attempt == 1
    assert job.record.worker


def test_jobs_have_the_garbage_collector(client: Client) -> None:
    """It waits while a worker starts, and what was there then stays one page for all."""
    assert client.submit(lambda: (gc.isenabled(), gc.get_freeze_count() > 10_000)).result(
        LIMIT_S
    ) == (True, True)


def test_any_python_object_comes_back_as_it_was(client: Client) -> None:
    """Arrays, tuples, sets and large values are the same on both sides."""
    values = [np.arange(100_000.0), (1, (2, 3)), {1, 2}, {1: "one"}, float("nan"), "ü" * 10_000]
    for sent, got in zip(values, client.map(lambda value: value, values), strict=True):
        assert type(got) is type(sent)
        np.testing.assert_equal(got, sent)


def test_progress_and_output_arrive_while_the_job_runs(client: Client) -> None:
    """The last value always arrives, values never fall, output keeps its order."""

    def work(gate: str) -> str:
        import logging
        import pathlib
        import subprocess
        import sys
        import time

        import taskkit

        for n in taskkit.track(range(20), message="halving"):
            time.sleep(0.02)
            if n == 9:
                print("half", flush=True)
                while not pathlib.Path(gate).exists():
                    time.sleep(0.01)
        logging.getLogger("mine").info("logged")
        print("to stderr", file=sys.stderr)
        subprocess.run(["echo", "from a child"], check=True)
        return "done"

    gate = f"/tmp/taskkit-test-{os.getpid()}-{time.monotonic_ns()}"
    seen: list[Progress] = []
    job = client.submit(work, gate)
    job.on_progress(seen.append)
    try:
        _wait_until(lambda: "half" in job.output)
        assert not job.done()
        assert job.running()
    finally:
        Path(gate).touch()
    assert job.result(LIMIT_S) == "done"
    Path(gate).unlink()
    assert job.progress is not None
    assert (job.progress.done, job.progress.total, job.progress.message) == (20, 20, "halving")
    done = [report.done for report in seen]
    assert done == sorted(done)
    assert len(set(done)) >= 3
    assert job.output == "half\nINFO mine: logged\nto stderr\nfrom a child\n"


def test_a_failing_job_raises_its_own_exception(client: Client) -> None:
    """The type is the task's own, the cause shows the worker's traceback, output is kept."""

    def fail() -> None:
        print("before")
        raise KeyError("missing")

    job = client.submit(fail)
    with pytest.raises(KeyError, match="missing") as caught:
        job.result(LIMIT_S)
    assert 'raise KeyError("missing")' in str(caught.value.__cause__)
    assert "taskkit_worker" not in str(caught.value.__cause__)
    assert job.output == "before\n"
    assert isinstance(job.exception(), KeyError)


def test_an_exception_with_a_constructor_of_its_own_is_itself(client: Client) -> None:
    """Also where its pickle would not load again: it is what the notebook catches."""

    def diverge() -> None:
        raise Diverged(3, loss=1e9)

    with pytest.raises(Diverged, match=r"loss 1000000000.0 at step 3") as caught:
        client.submit(diverge).result(LIMIT_S)
    assert "diverge" in str(caught.value.__cause__)


def test_an_exception_that_cannot_travel_is_told_in_words(client: Client) -> None:
    """Its name, message and place."""

    def diverge() -> None:
        error = Diverged(3, loss=1e9)
        error.lock = threading.Lock()  # type: ignore[attr-defined]
        raise error

    with pytest.raises(taskkit.RemoteError, match=r"Diverged: loss 1000000000.0") as caught:
        client.submit(diverge).result(LIMIT_S)
    assert "diverge" in str(caught.value.__cause__)


def test_leaving_the_process_fails_the_job_with_its_cause(client: Client) -> None:
    """It is tried three times, then the job says what it died of; the next one runs."""
    with pytest.raises(taskkit.JobLost, match="exit code 7"):
        client.submit(os._exit, 7).result(LIMIT_S)
    assert client.submit(pow, 2, 3).result(LIMIT_S) == 8


def test_named_tasks_are_known_and_checked(client: Client) -> None:
    """The catalogue lists them; what does not fit is refused before anything runs."""
    assert {"demo", "ising", "primes"} <= {task.name for task in client.tasks()}
    assert client.submit("primes", 100).result(LIMIT_S) == 25
    assert client.submit("primes", limit=np.int64(10)).result(LIMIT_S) == 4
    with pytest.raises(TaskNotFound, match="did you mean 'primes'"):
        client.submit("prime", 100)
    with pytest.raises(InvalidArguments, match="limit") as caught:
        client.submit("primes", limit="many", colour="red")
    assert set(caught.value.details["arguments"]) == {"limit", "colour"}


def test_what_cannot_travel_is_named_at_submit(client: Client) -> None:
    """A lock deep in an argument is refused with the way there, and nothing is sent."""
    before = len(client.jobs())
    with pytest.raises(CannotTravel, match=r"argument 'options' → \['inner'\] → \[1\].*lock"):
        client.submit(len, options={"inner": [1, threading.Lock()]})
    assert len(client.jobs()) == before


def test_cancelling_ends_a_running_job_and_spares_the_next(client: Client) -> None:
    """Python code, and C code that holds the interpreter's lock, are ended; the pool goes on."""
    for endless in (lambda: time.sleep(600), lambda: sum(range(10**13))):
        job = client.submit(endless)
        _wait_until(job.running)
        assert job.cancel() is True
        assert job.cancelled()
        assert job.state == "cancelled"
    assert client.submit(pow, 3, 3).result(LIMIT_S) == 27


def test_a_batch_keeps_its_order_and_shows_each_error_in_place(client: Client) -> None:
    """Results come in the order of the inputs; an error is raised where its result would be."""
    batch = client.map(lambda a, b: a // b, [6, 1, 8], [3, 0, 2])
    results = iter(batch)
    assert next(results) == 2
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert batch[2] == 4
    assert len(batch) == 3
    assert set(taskkit.as_completed(batch, timeout=LIMIT_S)) == set(batch.jobs)


def test_jobs_are_awaited(client: Client) -> None:
    """`await` works in a running loop, which stays free meanwhile."""

    async def both() -> list[int]:
        return await asyncio.gather(client.submit(pow, 2, 2), client.submit(pow, 3, 2))

    assert asyncio.run(both()) == [4, 9]


def test_a_with_block_ends_when_its_jobs_have(stack: taskkit.LocalStack) -> None:
    """As of any executor: also those that the server did not yet have, and whose end came later."""
    with stack.client() as client:
        batch = client.map(lambda n: time.sleep(0.05) or n, range(5))
        job = client.submit(pow, 2, 3)
    assert job.done()
    assert batch.done()
    assert (job.result(0), list(batch)) == (8, [0, 1, 2, 3, 4])


def test_another_client_finds_a_job_by_its_id(client: Client, stack: taskkit.LocalStack) -> None:
    """A job outlives the client that submitted it."""
    job_id = client.submit(pow, 2, 5).id
    other = stack.client()
    assert other.job(job_id).result(LIMIT_S) == 32
    assert other.jobs(limit=1)[0].id == job_id
    other.close()


def test_the_same_key_is_the_same_job(client: Client) -> None:
    """Running a cell again returns the job that it made the first time."""
    key = f"key-{time.monotonic_ns()}"
    first = client.options(key=key).submit(pow, 2, 6)
    again = client.options(key=key).submit(pow, 2, 6)
    assert first.id == again.id
    assert again.result(LIMIT_S) == 64


def test_a_wrong_token_is_one_sentence(stack: taskkit.LocalStack) -> None:
    """The client says at once that the server does not know the token."""
    with pytest.raises(Unauthorized, match="token"):
        Client(stack.url, "wrong")


def test_nothing_listens_is_one_sentence() -> None:
    """The client says where it looked and what to do."""
    with pytest.raises(taskkit.NotReachable, match=r"127\.0\.0\.1:9.*taskkit up"):
        Client("http://127.0.0.1:9")


def _wait_until(condition: object, limit_s: float = LIMIT_S) -> None:
    deadline = time.monotonic() + limit_s
    pause = threading.Event()
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come about in time"
        pause.wait(0.02)
