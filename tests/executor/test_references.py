"""Nothing is held for longer than somebody has a use for it."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from calls import Diverged, Dying, Thing, fail, held, make_thing, same
from executors import ALL, LIMIT_S, PROCESSES, TASKKIT, THREADS, on
from gates import Gate
from waiting import wait_until

import taskkit

KEEPS_VALUE = "_results yields by way of a name, which the generator holds until it goes on"
KEEPS_SELF = "Job.result leaves itself in the frame of the error that it raises: a cycle"
KEEPS_ERROR = "Attempts._run leaves the error in its frame, which the error holds: a cycle"


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    """References alone must do: a collector may come much later, or never."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def check_let_go(watched: weakref.ref[Any]) -> None:
    """Fail if an object lives on; another thread may be about to let go of it."""
    wait_until(lambda: watched() is None, 2, look_every_s=0.01)


def test_an_argument_is_let_go_when_the_call_is_made(executor: Executor) -> None:
    """While the future is still held."""
    thing = Thing(3)
    watched = weakref.ref(thing)
    future = executor.submit(number_of, thing)
    assert future.result(LIMIT_S) == 3
    del thing
    check_let_go(watched)


def test_a_keyword_argument_is_let_go(executor: Executor) -> None:
    """Like any other."""
    thing = Thing()
    watched = weakref.ref(thing)
    future = executor.submit(count, things=thing)
    assert future.result(LIMIT_S) == 1
    del thing
    check_let_go(watched)


def count(**things: object) -> int:
    """Return how many there are."""
    return len(things)


def test_the_object_of_a_method_is_let_go_without_its_future(executor: Executor) -> None:
    """Source: https://bugs.python.org/issue16284."""
    thing = Thing()
    watched = weakref.ref(thing)
    executor.submit(thing.number)
    del thing
    check_let_go(watched)


@on(TASKKIT, THREADS)
def test_a_function_is_let_go(executor: Executor) -> None:
    """With what it closes over."""

    def submit(thing: Thing) -> tuple[Future[int], weakref.ref[Thing]]:
        return executor.submit(lambda: thing.n), weakref.ref(thing)

    future, watched = submit(Thing(3))
    assert future.result(LIMIT_S) == 3
    check_let_go(watched)


def test_a_future_is_let_go(executor: Executor) -> None:
    """When it is done and nobody holds it."""
    future = executor.submit(abs, -1)
    future.result(LIMIT_S)
    watched = weakref.ref(future)
    del future
    check_let_go(watched)


def test_a_result_is_let_go_with_its_future(executor: Executor) -> None:
    """The executor has no use for it."""
    future = executor.submit(make_thing, 1)
    watched = weakref.ref(future.result(LIMIT_S))
    del future
    check_let_go(watched)


def test_an_error_is_let_go_with_its_future(executor: Executor) -> None:
    """The executor has no use for it."""
    future = executor.submit(fail, Diverged, 3, 0.5)
    watched = weakref.ref(future.exception(LIMIT_S))
    del future
    check_let_go(watched)


@on(*ALL)
def test_an_error_that_was_raised_holds_no_frame(executor: Executor) -> None:
    """What the caller had at hand is let go when the error was dealt with."""

    def call() -> weakref.ref[Thing]:
        thing = Thing()
        with suppress(LookupError):
            executor.submit(fail, LookupError).result(LIMIT_S)
        return weakref.ref(thing)

    check_let_go(call())


def test_a_wait_that_was_too_short_holds_no_frame(executor: Executor, gate: Gate) -> None:
    """Nor does a timeout."""

    def call() -> weakref.ref[Thing]:
        thing = Thing()
        with suppress(TimeoutError):
            executor.submit(held, gate.path).result(0)
        return weakref.ref(thing)

    check_let_go(call())


@on(*ALL)
@pytest.mark.parametrize("size", [10, 200])
def test_a_result_of_map_is_let_go_before_the_next(executor: Executor, size: int) -> None:
    """Source: https://bugs.python.org/issue14406."""
    for thing in executor.map(make_thing, range(size)):
        watched = weakref.ref(thing)
        del thing
        check_let_go(watched)


def test_arguments_of_map_are_let_go(executor: Executor) -> None:
    """While the results are still held."""
    things = [Thing(n) for n in range(5)]
    watched = [weakref.ref(thing) for thing in things]
    results = executor.map(number_of, things)
    del things
    assert list(results) == [0, 1, 2, 3, 4]
    for one in watched:
        check_let_go(one)


def number_of(thing: Thing) -> int:
    """Return a thing's number."""
    return thing.n


@on(TASKKIT, PROCESSES)
def test_a_worker_lets_go_of_arguments(executor: Executor, tmp_path: Path) -> None:
    """It does not sit on them until its next call."""
    mark = tmp_path / "mark"
    assert executor.submit(count, thing=Dying(str(mark))).result(LIMIT_S) == 1
    wait_until(mark.exists, 3)


@on(TASKKIT, PROCESSES)
def test_a_worker_lets_go_of_results(executor: Executor, tmp_path: Path) -> None:
    """They are sent, and then nobody's."""
    mark = tmp_path / "mark"
    executor.submit(same, Dying(str(mark))).result(LIMIT_S)
    wait_until(mark.exists, 3)


@on(TASKKIT)
def test_a_worker_lets_go_of_errors(executor: Executor, tmp_path: Path) -> None:
    """And of the frames that they hold."""
    mark = tmp_path / "mark"

    def fail_with(thing: Dying) -> None:
        gc.collect()  # so that it does not come soon after
        raise LookupError(thing.mark)

    assert isinstance(executor.submit(fail_with, Dying(str(mark))).exception(LIMIT_S), LookupError)
    wait_until(mark.exists, 3)


def test_a_client_s_batch_holds_its_results(client: taskkit.Client) -> None:
    """Whoever keeps what `map` returned can ask for each again."""
    batch = client.map(make_thing, range(3))
    first = list(batch)
    assert [batch[n] for n in range(3)] == first
