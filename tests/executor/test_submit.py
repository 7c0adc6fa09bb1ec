"""`submit`: which call is made, and when."""

from __future__ import annotations

from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait

import pytest
from calls import capture, held, same
from executors import LIMIT_S, PROCESSES, TASKKIT, THREADS, on
from gates import Gate
from waiting import wait_until

import taskkit


def test_a_call_with_positional_arguments(executor: Executor) -> None:
    """The result is what the function returns."""
    assert executor.submit(pow, 2, 8).result(LIMIT_S) == 256


def test_a_call_with_keyword_arguments(executor: Executor) -> None:
    """They arrive as keywords, beside positional ones."""
    assert executor.submit(capture, 1, b=2).result(LIMIT_S) == ((1,), {"b": 2})


@pytest.mark.parametrize(
    "name", ["fn", "self", "task", "args", "kwargs", "name", "key", "timeout", "session", "options"]
)
def test_no_keyword_is_taken_by_the_executor(executor: Executor, name: str) -> None:
    """What it calls its own parameters and options is free for the function's."""
    assert executor.submit(capture, 1, **{name: 2}).result(LIMIT_S) == ((1,), {name: 2})


def test_the_function_is_positional(executor: Executor) -> None:
    """Without one, or with one by keyword, nothing is submitted."""
    with pytest.raises(TypeError):
        executor.submit()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        executor.submit(fn=capture)  # type: ignore[call-arg]


@pytest.mark.parametrize("nothing", [None, 3, ["a", "list"]], ids=repr)
def test_what_cannot_be_called_is_a_type_error(executor: Executor, nothing: object) -> None:
    """At the call or in the result."""
    with pytest.raises(TypeError, match="callable"):
        executor.submit(nothing).result(LIMIT_S)  # type: ignore[arg-type]


def test_submit_returns_before_the_call_does(executor: Executor, gate: Gate) -> None:
    """What it returns is a future that is not done."""
    future = executor.submit(held, gate.path, "through")
    assert isinstance(future, Future)
    assert not future.done()
    gate.open()
    assert future.result(LIMIT_S) == "through"


def test_more_calls_than_workers(executor: Executor) -> None:
    """All are made, each has its own result."""
    futures = [executor.submit(pow, n, 2) for n in range(100)]
    assert [future.result(LIMIT_S) for future in futures] == [n**2 for n in range(100)]


def test_calls_from_many_threads(executor: Executor) -> None:
    """An executor belongs to no thread."""

    def squares(start: int) -> list[int]:
        futures = [executor.submit(pow, n, 2) for n in range(start, start + 10)]
        return [future.result(LIMIT_S) for future in futures]

    with ThreadPoolExecutor(8) as threads:
        found = [n for part in threads.map(squares, range(0, 80, 10)) for n in part]
    assert found == [n**2 for n in range(80)]


def test_a_callback_may_submit(executor: Executor, gate: Gate) -> None:
    """What follows from a result can be asked for as soon as it is there."""
    following: list[Future[int]] = []

    def follow(future: Future[int]) -> None:
        following.append(executor.submit(pow, future.result(), 2))

    executor.submit(held, gate.path, 8).add_done_callback(follow)
    gate.open()
    wait_until(lambda: bool(following), LIMIT_S)
    assert following[0].result(LIMIT_S) == 64


def test_large_arguments_and_results(executor: Executor) -> None:
    """Some megabytes travel both ways."""
    megabytes = bytes(range(256)) * 4096 * 3
    assert executor.submit(same, megabytes).result(LIMIT_S) == megabytes


def test_calls_of_one_executor_run_at_the_same_time(executor: Executor, gate: Gate) -> None:
    """One that is held does not hold the next."""
    first = executor.submit(held, gate.path)
    assert executor.submit(pow, 2, 2).result(LIMIT_S) == 4
    assert not first.done()


def test_two_executors_share_nothing(executor: Executor, client: taskkit.Client) -> None:
    """Futures of different executors are waited for together."""
    futures = [executor.submit(pow, 2, 2), client.submit(pow, 3, 2)]
    done, _ = wait(futures, LIMIT_S)
    assert {future.result() for future in done} == {4, 9}


@on(TASKKIT)
def test_arguments_are_those_of_the_moment(executor: Executor, gate: Gate) -> None:
    """A list that is changed after the call arrives as it was; pools may see the change."""
    futures = [executor.submit(held, gate.path) for _ in range(2)]
    numbers = [1, 2]
    later = executor.submit(same, numbers)
    numbers.append(3)
    gate.open()
    wait(futures)
    assert later.result(LIMIT_S) == [1, 2]


@on(TASKKIT, THREADS)
def test_a_call_that_fails_hurts_only_itself(executor: Executor) -> None:
    """Those before, beside and after it have their results."""
    futures = [executor.submit(divmod, 6, n) for n in (1, 0, 2)]
    assert [type(future.exception(LIMIT_S)) for future in futures] == [
        type(None),
        ZeroDivisionError,
        type(None),
    ]


@on(TASKKIT, PROCESSES)
def test_a_call_runs_in_another_process(executor: Executor) -> None:
    """The interpreter that submits stays free."""
    import os

    assert executor.submit(os.getpid).result(LIMIT_S) != os.getpid()
