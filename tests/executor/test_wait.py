"""`concurrent.futures.wait`, on what an executor returns."""

from __future__ import annotations

import threading
from concurrent.futures import (
    ALL_COMPLETED,
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    Executor,
    Future,
    wait,
)

import pytest
from calls import held
from executors import LIMIT_S
from gates import Gate

import taskkit


@pytest.fixture
def ready() -> Future[int]:
    """A future of no executor that has its result."""
    future: Future[int] = Future()
    future.set_result(42)
    return future


@pytest.fixture
def failed() -> Future[int]:
    """A future of no executor that has an error."""
    future: Future[int] = Future()
    future.set_exception(OSError())
    return future


@pytest.fixture
def cancelled() -> Future[int]:
    """A future of no executor that was cancelled."""
    future: Future[int] = Future()
    future.cancel()
    future.set_running_or_notify_cancel()
    return future


def test_all_completed(
    executor: Executor, ready: Future[int], failed: Future[int], cancelled: Future[int]
) -> None:
    """However they ended, and whosever they are."""
    futures = {executor.submit(divmod, 2, 0), executor.submit(pow, 2, 2), ready, failed, cancelled}
    assert wait(futures, LIMIT_S, ALL_COMPLETED) == (futures, set())


def test_the_first_completed(executor: Executor, gate: Gate) -> None:
    """One is enough."""
    quick, slow = executor.submit(pow, 2, 2), executor.submit(held, gate.path)
    assert wait([quick, slow], LIMIT_S, FIRST_COMPLETED) == ({quick}, {slow})


def test_the_first_completed_that_fails(executor: Executor, gate: Gate) -> None:
    """A failure completes, too."""
    bad, slow = executor.submit(divmod, 2, 0), executor.submit(held, gate.path)
    assert wait([bad, slow], LIMIT_S, FIRST_COMPLETED) == ({bad}, {slow})


def test_the_first_completed_where_some_are(
    executor: Executor, ready: Future[int], cancelled: Future[int], gate: Gate
) -> None:
    """They are returned at once."""
    slow = executor.submit(held, gate.path)
    assert wait([ready, cancelled, slow], LIMIT_S, FIRST_COMPLETED) == ({ready, cancelled}, {slow})


def test_the_first_exception(executor: Executor, gate: Gate) -> None:
    """Results alone do not end the wait; those that are there are returned with it."""
    good = executor.submit(pow, 2, 2)
    good.result(LIMIT_S)
    bad, slow = executor.submit(divmod, 2, 0), executor.submit(held, gate.path)
    assert wait([good, bad, slow], LIMIT_S, FIRST_EXCEPTION) == ({good, bad}, {slow})


def test_the_first_exception_where_one_is(
    executor: Executor, failed: Future[int], gate: Gate
) -> None:
    """It is returned at once."""
    slow = executor.submit(held, gate.path)
    assert wait([failed, slow], LIMIT_S, FIRST_EXCEPTION) == ({failed}, {slow})


def test_no_exception_waits_for_all(executor: Executor) -> None:
    """As if all had been asked for."""
    futures = {executor.submit(pow, n, 2) for n in range(5)}
    assert wait(futures, LIMIT_S, FIRST_EXCEPTION) == (futures, set())


@pytest.mark.parametrize("timeout", [0, 0.05])
def test_a_timeout_returns_what_is_there(
    executor: Executor, ready: Future[int], failed: Future[int], gate: Gate, timeout: float
) -> None:
    """It raises nothing."""
    slow = executor.submit(held, gate.path)
    assert wait([ready, failed, slow], timeout) == ({ready, failed}, {slow})


def test_the_same_future_twice(executor: Executor) -> None:
    """It is waited for once."""
    future = executor.submit(pow, 2, 2)
    assert wait([future, future], LIMIT_S) == ({future}, set())


def test_any_iterable(executor: Executor) -> None:
    """A generator of futures is one."""
    done, pending = wait((executor.submit(pow, n, 2) for n in range(3)), LIMIT_S)
    assert ({future.result() for future in done}, pending) == ({0, 1, 4}, set())


def test_futures_of_several_executors(
    executor: Executor, client: taskkit.Client, gate: Gate
) -> None:
    """Waits do not ask where a future is from."""
    mine, other = client.submit(pow, 2, 2), executor.submit(held, gate.path)
    assert wait([mine, other], LIMIT_S, FIRST_COMPLETED) == ({mine}, {other})
    gate.open()
    assert wait([mine, other], LIMIT_S) == ({mine, other}, set())


def test_many_wait_for_the_same(executor: Executor, gate: Gate) -> None:
    """Each thread that waits is told."""
    future = executor.submit(held, gate.path, "through")
    found: list[set[Future[str]]] = []
    threads = [
        threading.Thread(target=lambda: found.append(wait([future], LIMIT_S)[0])) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    gate.open()
    for thread in threads:
        thread.join(LIMIT_S)
    assert found == [{future}] * 5


def test_many_futures(executor: Executor) -> None:
    """None is overlooked where they end while the wait begins."""
    futures = {executor.submit(abs, n) for n in range(200)}
    assert wait(futures, LIMIT_S) == (futures, set())


def test_a_batch_is_waited_for(client: taskkit.Client) -> None:
    """`taskkit.wait` takes what `map` returned."""
    batch = client.map(abs, range(5))
    done, pending = taskkit.wait(batch, LIMIT_S)
    assert (done, pending) == (set(batch.jobs), set())
