"""`concurrent.futures.as_completed`, on what an executor returns."""

from __future__ import annotations

import weakref
from concurrent.futures import Executor, Future, as_completed
from itertools import repeat

import pytest
from calls import held
from executors import LIMIT_S
from gates import Gate
from waiting import wait_until

import taskkit


def test_all_are_yielded(executor: Executor) -> None:
    """However they end."""
    futures = {executor.submit(divmod, 2, n) for n in range(3)}
    assert set(as_completed(futures, LIMIT_S)) == futures


def test_the_order_is_that_of_the_ends(executor: Executor, gate: Gate) -> None:
    """Not that of the beginnings."""
    slow, quick = executor.submit(held, gate.path), executor.submit(pow, 2, 2)
    ended = as_completed([slow, quick], LIMIT_S)
    assert next(ended) is quick
    gate.open()
    assert list(ended) == [slow]


def test_those_that_have_ended_come_first(executor: Executor, gate: Gate) -> None:
    """Also those of no executor."""
    ready: Future[int] = Future()
    ready.set_result(1)
    slow, done = executor.submit(held, gate.path), executor.submit(pow, 2, 2)
    done.result(LIMIT_S)
    ended = as_completed([slow, done, ready], LIMIT_S)
    assert {next(ended), next(ended)} == {done, ready}


@pytest.mark.parametrize("timeout", [0, 0.05])
def test_a_timeout_raises_behind_those_that_have_ended(
    executor: Executor, gate: Gate, timeout: float
) -> None:
    """And says how many have not."""
    slow, done = executor.submit(held, gate.path), executor.submit(pow, 2, 2)
    done.result(LIMIT_S)
    ended = as_completed([slow, done], timeout)
    assert next(ended) is done
    with pytest.raises(TimeoutError, match=r"1 \(of 2\) futures unfinished"):
        next(ended)


def test_the_same_future_several_times(executor: Executor) -> None:
    """It is yielded once, from any iterable."""
    future = executor.submit(pow, 2, 2)
    assert list(as_completed(repeat(future, 3), LIMIT_S)) == [future]


def test_none_at_all() -> None:
    """There is nothing to wait for."""
    assert list(as_completed([])) == []


def test_futures_of_several_executors(
    executor: Executor, client: taskkit.Client, gate: Gate
) -> None:
    """They come together, each when it ends."""
    slow, quick = executor.submit(held, gate.path), client.submit(pow, 2, 2)
    ended = as_completed([slow, quick], LIMIT_S)
    assert next(ended) is quick
    gate.open()
    assert next(ended) is slow


def test_a_future_that_was_yielded_is_let_go(executor: Executor) -> None:
    """A loop over many holds no more than the one at hand."""
    futures = [executor.submit(abs, n) for n in range(10)]
    for future in as_completed(futures, LIMIT_S):
        futures.remove(future)
        watched = weakref.ref(future)
        del future
        wait_until(lambda watched=watched: watched() is None, 2)  # type: ignore[misc]


def test_a_batch_is_one_of_them(client: taskkit.Client) -> None:
    """`taskkit.as_completed` takes what `map` returned."""
    batch = client.map(abs, range(5))
    assert set(taskkit.as_completed(batch, LIMIT_S)) == set(batch.jobs)
