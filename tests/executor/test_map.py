"""`map`: which results come, in which order, and when."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Executor
from itertools import count, repeat

import pytest
from calls import capture, held, same
from executors import LIMIT_S, POOLS, PROCESSES, TASKKIT, on
from gates import Gate

import taskkit


def test_results_come_in_the_order_of_the_inputs(executor: Executor) -> None:
    """As with the built-in `map`."""
    assert list(executor.map(abs, range(-10, 10))) == list(map(abs, range(-10, 10)))


def test_several_iterables_are_zipped(executor: Executor) -> None:
    """One argument from each."""
    assert list(executor.map(pow, range(10), range(10))) == [n**n for n in range(10)]


def test_the_shortest_iterable_ends_it(executor: Executor) -> None:
    """What the others have left is not used."""
    assert list(executor.map(pow, [2, 3, 4], [2, 2])) == [4, 9]


def test_an_infinite_iterable_beside_a_finite_one(executor: Executor) -> None:
    """`repeat` and `count` give as many as are needed."""
    assert list(executor.map(pow, range(5), repeat(2))) == [0, 1, 4, 9, 16]
    assert list(executor.map(pow, [2, 2], count())) == [1, 2]


def test_an_empty_input_has_no_results(executor: Executor) -> None:
    """Nor has no input at all."""
    assert list(executor.map(abs, [])) == []
    assert list(executor.map(capture)) == []


def test_a_generator_is_an_input(executor: Executor) -> None:
    """Something that can be read once is read once."""
    assert list(executor.map(abs, (-n for n in range(5)))) == [0, 1, 2, 3, 4]


def test_the_input_is_read_before_map_returns(executor: Executor, gate: Gate) -> None:
    """All of it, though nothing has run: it may be changed afterwards."""
    read: list[int] = []

    def inputs() -> Iterator[str]:
        for n in range(5):
            read.append(n)
            yield gate.path

    executor.map(held, inputs())
    assert read == [0, 1, 2, 3, 4]


def test_an_error_of_the_input_is_raised_by_map(executor: Executor) -> None:
    """There is no result that it could stand for."""

    def inputs() -> Iterator[int]:
        yield 1
        raise LookupError("the input ended badly")

    with pytest.raises(LookupError, match="ended badly"):
        executor.map(abs, inputs())


def test_what_is_not_iterable_is_a_type_error(executor: Executor) -> None:
    """At once."""
    with pytest.raises(TypeError):
        executor.map(abs, 3)  # type: ignore[arg-type]


@pytest.mark.parametrize("chunksize", [1, 3, 10, 50])
def test_a_chunksize_changes_no_result(executor: Executor, chunksize: int) -> None:
    """Whether it divides the number of items, or is larger than that."""
    results = executor.map(pow, range(10), range(10), chunksize=chunksize)
    assert list(results) == [n**n for n in range(10)]


@on(TASKKIT, PROCESSES)
@pytest.mark.parametrize("chunksize", [0, -1])
def test_a_chunksize_below_one_is_refused(executor: Executor, chunksize: int) -> None:
    """At once; threads know no chunks and do not look."""
    with pytest.raises(ValueError, match="chunksize"):
        executor.map(abs, range(3), chunksize=chunksize)


def test_a_result_is_there_while_later_ones_are_held(executor: Executor, gate: Gate) -> None:
    """`map` returns at once, and each result is given when it is there."""
    results = iter(executor.map(pass_or_hold, ["", gate.path], chunksize=1))
    assert next(results) == ""
    gate.open()
    assert next(results) == gate.path


def pass_or_hold(gate: str) -> str:
    """Return the gate's path, when it is open; there may be none."""
    if gate:
        held(gate)
    return gate


def test_an_early_result_waits_for_its_turn(executor: Executor, gate: Gate) -> None:
    """The second is done, the first is not: neither is given before the first is."""
    results = iter(executor.map(pass_or_hold, [gate.path, ""], timeout=0.2, chunksize=1))
    with pytest.raises(TimeoutError):
        next(results)


def test_the_results_are_an_iterator(executor: Executor) -> None:
    """`next` goes through them, once, and a loop goes on behind it."""
    results = executor.map(abs, [-1, -2, -3])
    assert next(results) == 1
    assert next(results) == 2
    assert next(results) == 3
    with pytest.raises(StopIteration):
        next(results)


def test_an_error_is_raised_at_its_place(executor: Executor) -> None:
    """Results before it are given; behind it the iterator is at its end."""
    results = iter(executor.map(divmod, [1, 1, 1, 1], [2, 3, 0, 5], chunksize=1))
    assert next(results) == (0, 1)
    assert next(results) == (0, 1)
    with pytest.raises(ZeroDivisionError):
        next(results)
    with pytest.raises(StopIteration):
        next(results)


@on(TASKKIT)
def test_an_error_leaves_the_other_jobs_alone(executor: taskkit.Client) -> None:
    """Where pools cancel what still waits, each result is there by its place."""
    batch = executor.map(divmod, [1, 1, 1], [0, 2, 0])
    with pytest.raises(ZeroDivisionError):
        list(batch)
    assert batch[1] == (0, 1)
    with pytest.raises(ZeroDivisionError):
        batch[2]


@on(*POOLS)
def test_an_error_cancels_what_waits_in_a_pool(executor: Executor, gate: Gate) -> None:
    """Which taskkit's own test says the contrary of."""
    read = iter(executor.map(fail_or_hold, [""] + [gate.path] * 20))
    with pytest.raises(LookupError):
        next(read)
    gate.open()
    assert executor.submit(abs, -1).result(LIMIT_S) == 1


def fail_or_hold(gate: str) -> None:
    """Fail where there is no gate."""
    if not gate:
        raise LookupError
    held(gate)


def test_no_time_at_all_is_enough_for_nothing_that_is_held(executor: Executor, gate: Gate) -> None:
    """The first result that is not there raises."""
    results = iter(executor.map(held, [gate.path] * 2, timeout=0))
    with pytest.raises(TimeoutError):
        next(results)


def test_results_before_the_timeout_are_given(executor: Executor, gate: Gate) -> None:
    """The one that was not there in time raises, in its place."""
    results = iter(executor.map(pass_or_hold, ["", "", gate.path], timeout=4, chunksize=1))
    assert [next(results), next(results)] == ["", ""]
    with pytest.raises(TimeoutError):
        next(results)


def test_the_time_counts_from_the_call(executor: Executor) -> None:
    """What was there by then is given, however late it is asked for."""
    list(executor.map(abs, range(3)))
    results = executor.map(same, ["there"], timeout=3)
    threading.Event().wait(3.1)
    assert list(results) == ["there"]


def test_time_enough_changes_nothing(executor: Executor) -> None:
    """The limit is none for what is quick."""
    assert list(executor.map(abs, [-1, -2], timeout=LIMIT_S)) == [1, 2]


def test_two_maps_at_the_same_time(executor: Executor) -> None:
    """Each has its own results."""
    first, second = executor.map(abs, range(-20, 0)), executor.map(str, range(20))
    assert list(zip(first, second, strict=True)) == [(20 - n, str(n)) for n in range(20)]


def test_a_map_of_many(executor: Executor) -> None:
    """A thousand, in order."""
    assert list(executor.map(abs, range(1000), chunksize=50)) == list(range(1000))


# Many items, which taskkit sends several to a job

SIZES = [20, 300]


@pytest.mark.parametrize("size", SIZES)
def test_many_errors_at_their_places(executor: Executor, size: int) -> None:
    """Each result before the first is given, then it is raised."""
    given = []
    with pytest.raises(ZeroDivisionError):
        given.extend(executor.map(divide, range(size, -5, -1)))
    results = iter(executor.map(divide, range(size, -5, -1)))
    for n in range(size, 0, -1):
        assert next(results) == 100 // n
    with pytest.raises(ZeroDivisionError):
        next(results)
    with pytest.raises(StopIteration):
        next(results)


def divide(n: int) -> int:
    """Divide a hundred."""
    return 100 // n


@on(TASKKIT)
@pytest.mark.parametrize("size", SIZES)
def test_each_error_of_many_has_the_worker_s_traceback(executor: taskkit.Client, size: int) -> None:
    """Wherever the call shared a job with others, which have their results."""
    batch = executor.map(divide, [*range(size, -5, -1)])
    with pytest.raises(ZeroDivisionError) as caught:
        batch[size]
    assert "return 100 // n" in str(caught.value.__cause__)
    assert "taskkit_worker" not in str(caught.value.__cause__)
    assert batch[size + 1] == -100
    assert batch[:3] == [100 // size, 100 // (size - 1), 100 // (size - 2)]


@on(TASKKIT)
@pytest.mark.parametrize("size", SIZES)
def test_one_of_many_cannot_be_pickled(executor: taskkit.Client, size: int) -> None:
    """Its place says so; those beside it have their results."""
    batch = executor.map(sometimes_lock, range(size))
    with pytest.raises(TypeError, match=r"the result, a lock, cannot be pickled"):
        batch[7]
    assert [*batch[:7], *batch[8:]] == [*range(7), *range(8, size)]


def sometimes_lock(n: int) -> object:
    """Return a lock for a 7."""
    return threading.Lock() if n == 7 else n


@pytest.mark.parametrize("size", SIZES)
def test_the_shortest_of_many_iterables_ends_it(executor: Executor, size: int) -> None:
    """Infinite ones beside it are read no further than is needed."""
    assert list(executor.map(max, range(size), count(), repeat(0))) == list(range(size))
    assert list(executor.map(pow, range(size), repeat(2))) == [n**2 for n in range(size)]


@pytest.mark.parametrize("size", SIZES)
def test_many_without_time(executor: Executor, gate: Gate, size: int) -> None:
    """The first result that is not there raises, at once."""
    results = iter(executor.map(held, [gate.path] * size, timeout=0))
    with pytest.raises(TimeoutError):
        next(results)
    gate.open()


@on(TASKKIT)
@pytest.mark.parametrize("size", SIZES)
def test_a_with_statement_waits_for_many(
    executor: taskkit.Client, stack: taskkit.LocalStack, size: int
) -> None:
    """For all items, whichever job they are sent with."""
    with stack.client() as other:
        batch = other.map(abs, range(size))
    assert batch.done()
    assert list(batch) == list(range(size))


def test_two_threads_map_many(executor: Executor) -> None:
    """Each has its own results."""
    found: dict[int, list[int]] = {}

    def go(start: int) -> None:
        found[start] = list(executor.map(abs, range(start, start + 200)))

    threads = [threading.Thread(target=go, args=(start,)) for start in (0, 1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT_S)
    assert found == {start: list(range(start, start + 200)) for start in (0, 1000, 2000)}
