"""`shutdown`, and the `with` statement around an executor."""

from __future__ import annotations

import gc
import threading
from concurrent.futures import wait
from pathlib import Path

import pytest
from calls import held
from executors import ALL, LIMIT_S, POOLS, TASKKIT, THREADS, on
from gates import Gate, Make
from waiting import wait_until


def test_nothing_is_taken_after_it(make: Make) -> None:
    """`submit` and `map` raise what the standard library raises."""
    executor = make()
    executor.submit(abs, -1).result(LIMIT_S)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.submit(abs, -1)
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.map(abs, [-1])


def test_nothing_is_taken_after_one_that_does_not_wait(make: Make, gate: Gate) -> None:
    """Though what was taken before is not done."""
    executor = make()
    executor.submit(held, gate.path)
    executor.shutdown(wait=False)
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        executor.submit(abs, -1)


def test_it_waits_for_all(make: Make) -> None:
    """Those that wait as well as those that run."""
    executor = make()
    futures = [executor.submit(pow, n, 2) for n in range(50)]
    executor.shutdown()
    assert all(future.done() for future in futures)
    assert [future.result(0) for future in futures] == [n**2 for n in range(50)]


def test_it_waits_for_those_that_nobody_holds(make: Make, tmp_path: Path) -> None:
    """A call is made for what it does, too."""
    marks = [tmp_path / str(n) for n in range(20)]
    executor = make()
    for mark in marks:
        executor.submit(mark.touch)
    executor.shutdown()
    assert all(mark.exists() for mark in marks)


def test_it_waits_while_calls_are_held(make: Make, gate: Gate) -> None:
    """It returns when they have ended, and not before."""
    executor = make()
    future = executor.submit(held, gate.path)
    over = threading.Event()

    def end() -> None:
        executor.shutdown()
        over.set()

    thread = threading.Thread(target=end)
    thread.start()
    assert not over.wait(0.1)
    gate.open()
    thread.join(LIMIT_S)
    assert over.is_set()
    assert future.done()


def test_it_may_come_again(make: Make) -> None:
    """Waiting or not."""
    executor = make()
    future = executor.submit(abs, -1)
    executor.shutdown()
    executor.shutdown(wait=False)
    executor.shutdown(cancel_futures=True)
    assert future.result(0) == 1


def test_it_may_come_first(make: Make) -> None:
    """Before anything was submitted."""
    make().shutdown()


def test_a_with_statement_waits(make: Make) -> None:
    """Results are read behind it."""
    with make() as executor:
        futures = [executor.submit(pow, n, 2) for n in range(10)]
        results = executor.map(abs, range(-10, 0))
    assert [future.result(0) for future in futures] == [n**2 for n in range(10)]
    assert list(results) == list(range(10, 0, -1))


def test_a_with_statement_waits_behind_an_error(make: Make) -> None:
    """The error goes on when all have ended."""
    futures = []

    def fail_within() -> None:
        with make() as executor:
            futures.append(executor.submit(pow, 2, 8))
            raise LookupError

    with pytest.raises(LookupError):
        fail_within()
    assert futures[0].result(0) == 256


@on(
    *ALL,
    fixture="make",
)
def test_not_to_wait_loses_nothing(make: Make, gate: Gate) -> None:
    """It returns while calls are held; they get their results all the same."""
    executor = make()
    futures = [executor.submit(held, gate.path, n) for n in range(4)]
    executor.shutdown(wait=False)
    assert not any(future.done() for future in futures)
    gate.open()
    assert [future.result(LIMIT_S) for future in futures] == [0, 1, 2, 3]


@on(*POOLS, fixture="make")
def test_a_pool_cancels_what_waits_and_lets_the_rest_end(make: Make, gate: Gate) -> None:
    """Which taskkit's own test says the contrary of."""
    executor = make()
    futures = [executor.submit(held, gate.path) for _ in range(10)]
    wait_until(futures[0].running, LIMIT_S)
    executor.shutdown(wait=False, cancel_futures=True)
    wait_until(futures[-1].cancelled, LIMIT_S)
    gate.open()
    assert futures[0].result(LIMIT_S) is None


@on(TASKKIT, fixture="make")
@pytest.mark.parametrize("waits", [True, False])
def test_taskkit_cancels_what_runs_too(make: Make, gate: Gate, waits: bool) -> None:
    """Whoever says `cancel_futures` does not want to wait until they end by themselves."""
    executor = make()
    futures = [executor.submit(held, gate.path) for _ in range(10)]
    wait_until(futures[0].running, LIMIT_S)
    executor.shutdown(wait=waits, cancel_futures=True)
    assert wait(futures, LIMIT_S).not_done == set()
    assert all(future.cancelled() for future in futures)


def test_cancelling_spares_what_has_ended(make: Make) -> None:
    """It keeps its result."""
    executor = make()
    future = executor.submit(abs, -1)
    future.result(LIMIT_S)
    executor.shutdown(cancel_futures=True)
    assert future.result(0) == 1


def test_it_does_not_hang_on_what_was_just_cancelled(make: Make) -> None:
    """Source: https://github.com/python/cpython/issues/94440."""
    executor = make()
    executor.submit(int).result(LIMIT_S)
    executor.submit(int).cancel()
    executor.shutdown(wait=True)


@on(TASKKIT, THREADS, fixture="make")
def test_several_threads_may_ask_for_it(make: Make) -> None:
    """All return, and all is done."""
    executor = make()
    futures = [executor.submit(pow, n, 2) for n in range(20)]
    threads = [threading.Thread(target=executor.shutdown) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    assert all(future.done() for future in futures)


def test_its_threads_end(make: Make) -> None:
    """All that it began."""
    before = set(threading.enumerate())
    executor = make()
    executor.submit(abs, -1).result(LIMIT_S)
    assert set(threading.enumerate()) - before  # others may be ending
    executor.shutdown()
    wait_until(lambda: set(threading.enumerate()) <= before, LIMIT_S)


@on(
    *ALL,
    fixture="make",
)
def test_the_threads_of_one_that_is_dropped_end(make: Make) -> None:
    """As in a cell that makes a new one each time it is run."""
    before = set(threading.enumerate())
    executor = make()
    results = executor.map(abs, range(-5, 0))
    del executor
    assert list(results) == [5, 4, 3, 2, 1]
    del results
    gc.collect()
    wait_until(lambda: set(threading.enumerate()) <= before, 3)
