"""Calls that fail, exit or crash at each step on their way, and what comes after them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import Executor
from pickle import PicklingError, UnpicklingError
from typing import Any, NoReturn

import pytest
from calls import same
from executors import LIMIT_S, PROCESSES, TASKKIT, on
from waiting import wait_until

import taskkit


def give_up() -> NoReturn:
    """Exit as scripts do."""
    sys.exit(1)


def crash() -> NoReturn:
    """End the process without a word."""
    os._exit(7)


def break_pickle() -> NoReturn:
    """Fail as picklers do."""
    raise PicklingError("broken at pickling")


def break_unpickle() -> NoReturn:
    """Fail as unpicklers do."""
    raise UnpicklingError("broken at loading")


class AtPickle:
    """Something happens when it is pickled."""

    def __init__(self, event: Callable[[], NoReturn]) -> None:
        self.event = event

    def __reduce__(self) -> NoReturn:
        self.event()


class AtUnpickle:
    """Something happens when it is loaded."""

    def __init__(self, event: Callable[[], NoReturn]) -> None:
        self.event = event

    def __reduce__(self) -> tuple[Callable[[], NoReturn], tuple[()]]:
        return self.event, ()


@pytest.fixture(autouse=True)
def goes_on(executor: Executor) -> Any:
    """Whatever a test does, the executor makes the next call."""
    yield
    assert executor.submit(pow, 2, 8).result(LIMIT_S) == 256


@on(TASKKIT, PROCESSES)
def test_an_error_when_an_argument_is_pickled(executor: Executor) -> None:
    """At the call or in the result."""
    with pytest.raises((PicklingError, TypeError), match="broken at pickling"):
        executor.submit(same, AtPickle(break_pickle)).result(LIMIT_S)


@on(TASKKIT)
@pytest.mark.parametrize(
    ("event", "error"), [(break_unpickle, UnpicklingError), (give_up, SystemExit)]
)
def test_an_error_when_an_argument_is_loaded(
    executor: Executor, event: Callable[[], NoReturn], error: type[BaseException]
) -> None:
    """It is the job's; a process pool is broken by it."""
    with pytest.raises(error):
        executor.submit(same, AtUnpickle(event)).result(LIMIT_S)


@on(TASKKIT, PROCESSES)
@pytest.mark.parametrize(("event", "error"), [(break_pickle, PicklingError), (give_up, SystemExit)])
def test_an_error_in_the_call(
    executor: Executor, event: Callable[[], NoReturn], error: type[BaseException]
) -> None:
    """It is the call's."""
    with pytest.raises(error):
        executor.submit(event).result(LIMIT_S)


@on(TASKKIT, PROCESSES)
@pytest.mark.parametrize(
    ("event", "error"), [(break_pickle, (PicklingError, TypeError)), (give_up, SystemExit)]
)
def test_an_error_when_a_result_is_pickled(
    executor: Executor, event: Callable[[], NoReturn], error: type[BaseException]
) -> None:
    """It is the call's."""
    with pytest.raises(error):
        executor.submit(AtPickle, event).result(LIMIT_S)


@on(TASKKIT)
def test_an_error_when_a_result_is_loaded(executor: Executor) -> None:
    """It is raised here; a process pool is broken by it."""
    with pytest.raises(UnpicklingError, match="broken at loading"):
        executor.submit(AtUnpickle, break_unpickle).result(LIMIT_S)


@on(TASKKIT)
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_an_exit_when_a_result_is_loaded(executor: Executor, error: type[BaseException]) -> None:
    """It is raised where the result is asked for, and in no thread of the client's."""
    with pytest.raises(error):
        executor.submit(AtUnpickle, leave_by(error)).result(LIMIT_S)


def leave_by(error: type[BaseException]) -> Callable[[], NoReturn]:
    """Return a function that raises it."""

    def leave() -> NoReturn:
        raise error

    return leave


@on(TASKKIT)
def test_a_process_that_crashes_is_told_and_replaced(executor: Executor) -> None:
    """When an argument is loaded, in the call, and when the result is pickled."""
    jobs = [
        executor.submit(same, AtUnpickle(crash)),
        executor.submit(crash),
        executor.submit(AtPickle, crash),
    ]
    for job in jobs:
        with pytest.raises(taskkit.JobLost, match="exit code 7"):
            job.result(LIMIT_S)


@on(TASKKIT)
def test_shutting_down_behind_a_crash_does_not_hang(
    executor: Executor, stack: taskkit.LocalStack
) -> None:
    """It waits until the job is given up."""
    with stack.client() as other:
        job = other.submit(crash)
    assert isinstance(job.exception(0), taskkit.JobLost)
    wait_until(lambda: executor.submit(abs, -1).result(LIMIT_S) == 1)
