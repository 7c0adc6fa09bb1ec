"""What `submit` returns is a future in all that a future does."""

from __future__ import annotations

import logging
import threading
import weakref
from concurrent.futures import CancelledError, Executor, Future
from pathlib import Path
from typing import Any

import pytest
from calls import fail, held, make_thing, marked
from executors import LIMIT_S, POOLS, TASKKIT, THREADS, on
from gates import Gate
from waiting import wait_until

import taskkit

QUEUED = 8
"""So many that the last is not begun while the gate is closed, whatever a pool takes in advance."""


def many_held(executor: Executor, gate: Gate) -> list[Future[Any]]:
    """Submit calls of which the first run and the last waits."""
    futures = [executor.submit(held, gate.path, n) for n in range(QUEUED)]
    wait_until(futures[0].running, LIMIT_S)
    return futures


# Where it stands


def test_it_goes_from_pending_over_running_to_done(executor: Executor, gate: Gate) -> None:
    """It is in one of them at a time."""
    futures = many_held(executor, gate)
    running, pending = futures[0], futures[-1]
    assert (pending.running(), pending.done(), pending.cancelled()) == (False, False, False)
    assert (running.running(), running.done(), running.cancelled()) == (True, False, False)
    gate.open()
    assert pending.result(LIMIT_S) == QUEUED - 1
    assert (pending.running(), pending.done(), pending.cancelled()) == (False, True, False)


def test_it_can_be_a_key_and_be_watched(executor: Executor) -> None:
    """Each is equal to itself only."""
    one, other = executor.submit(abs, -1), executor.submit(abs, -1)
    assert len({one, other, one}) == 2
    assert weakref.ref(one)() is one


def test_its_repr_says_where_it_stands(executor: Executor, gate: Gate) -> None:
    """In a word."""
    running = many_held(executor, gate)[0]
    assert "running" in repr(running)
    gate.open()
    running.result(LIMIT_S)
    assert "finished" in repr(running) or "succeeded" in repr(running)


# Its outcome


def test_a_result_can_be_asked_for_again(executor: Executor) -> None:
    """It is the same object each time."""
    future = executor.submit(make_thing, 7)
    assert future.result(LIMIT_S) is future.result(0)
    assert future.exception() is None


def test_an_error_can_be_asked_for_again(executor: Executor) -> None:
    """It is the same object, raised or returned."""
    future = executor.submit(fail, ValueError, "no")
    error = future.exception(LIMIT_S)
    assert isinstance(error, ValueError)
    assert future.exception(0) is error
    for _ in range(2):
        with pytest.raises(ValueError, match=r"^no$") as caught:
            future.result(0)
        assert caught.value is error


@pytest.mark.parametrize("timeout", [0, 0.05, -1])
def test_a_wait_that_is_too_short(executor: Executor, gate: Gate, timeout: float) -> None:
    """It raises the built-in TimeoutError, and nothing happens to the call."""
    future = executor.submit(held, gate.path, "through")
    with pytest.raises(TimeoutError):
        future.result(timeout)
    with pytest.raises(TimeoutError):
        future.exception(timeout)
    assert not future.done()
    gate.open()
    assert future.result(LIMIT_S) == "through"


def test_every_thread_that_waits_has_the_result(executor: Executor, gate: Gate) -> None:
    """They wait for the same object."""
    future = executor.submit(held, gate.path, [1])
    found: list[Any] = []
    threads = [
        threading.Thread(target=lambda: found.append(future.result(LIMIT_S))) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    gate.open()
    for thread in threads:
        thread.join(LIMIT_S)
    assert len(found) == 5
    assert all(one is found[0] for one in found)


# Its callbacks


def test_a_callback_is_given_the_future_once(executor: Executor, gate: Gate) -> None:
    """When it is done, with its result there."""
    future = executor.submit(held, gate.path, "through")
    calls: list[tuple[Any, ...]] = []
    future.add_done_callback(lambda *args: calls.append((*args, args[0].result(0))))
    assert calls == []
    gate.open()
    wait_until(lambda: bool(calls), LIMIT_S)
    assert executor.submit(abs, -1).result(LIMIT_S) == 1
    assert calls == [(future, "through")]


def test_a_callback_sees_an_error(executor: Executor, gate: Gate) -> None:
    """It is called then as well."""
    future = executor.submit(fail_after, gate.path)
    errors: list[BaseException | None] = []
    future.add_done_callback(lambda done: errors.append(done.exception(0)))
    gate.open()
    wait_until(lambda: bool(errors), LIMIT_S)
    assert isinstance(errors[0], LookupError)


def fail_after(gate: str) -> None:
    """Fail once the gate is open."""
    held(gate)
    raise LookupError


def test_a_callback_sees_that_it_was_cancelled(executor: Executor, gate: Gate) -> None:
    """It is called then as well, before `cancel` returns or soon after."""
    last = many_held(executor, gate)[-1]
    seen: list[bool] = []
    last.add_done_callback(lambda done: seen.append(done.cancelled()))
    assert last.cancel()
    wait_until(lambda: bool(seen), LIMIT_S)
    assert seen == [True]


def test_a_callback_of_what_is_done_is_called_at_once(executor: Executor) -> None:
    """In the thread that adds it."""
    future = executor.submit(abs, -1)
    future.result(LIMIT_S)
    threads: list[threading.Thread] = []
    future.add_done_callback(lambda _: threads.append(threading.current_thread()))
    assert threads == [threading.current_thread()]


def test_callbacks_are_called_in_their_order(executor: Executor, gate: Gate) -> None:
    """That in which they were added."""
    future = executor.submit(held, gate.path)
    order: list[int] = []
    for n in range(5):
        future.add_done_callback(lambda _, n=n: order.append(n))  # type: ignore[misc]
    gate.open()
    wait_until(lambda: len(order) == 5, LIMIT_S)
    assert order == [0, 1, 2, 3, 4]


def test_an_error_in_a_callback_is_logged(
    executor: Executor, gate: Gate, caplog: pytest.LogCaptureFixture
) -> None:
    """It keeps neither the other callbacks nor the executor from their work."""
    future = executor.submit(held, gate.path, "through")
    called: list[object] = []

    def break_down(_: object) -> None:
        raise ArithmeticError("the callback's own")

    future.add_done_callback(break_down)
    future.add_done_callback(called.append)
    with caplog.at_level(logging.ERROR, "concurrent.futures"):
        gate.open()
        wait_until(lambda: bool(called), LIMIT_S)
    assert "the callback's own" in caplog.text
    assert future.result(0) == "through"
    assert executor.submit(abs, -1).result(LIMIT_S) == 1


# Cancelling it


def test_what_waits_can_be_cancelled(executor: Executor, gate: Gate, tmp_path: Path) -> None:
    """It is done then, and never begins."""
    many_held(executor, gate)
    mark = tmp_path / "mark"
    last = executor.submit(marked, str(mark), gate.path)
    assert last.cancel()
    assert (last.cancelled(), last.done(), last.running()) == (True, True, False)
    for ask in (last.result, last.exception):
        with pytest.raises(CancelledError):
            ask(LIMIT_S)
    gate.open()
    assert executor.submit(abs, -1).result(LIMIT_S) == 1
    assert not mark.exists()


def test_it_can_be_cancelled_twice(executor: Executor, gate: Gate) -> None:
    """It stays cancelled."""
    last = many_held(executor, gate)[-1]
    assert last.cancel()
    assert last.cancel()


def test_what_is_done_cannot_be_cancelled(executor: Executor) -> None:
    """It keeps its result, or its error."""
    good, bad = executor.submit(abs, -1), executor.submit(fail, LookupError)
    assert good.result(LIMIT_S) == 1
    assert isinstance(bad.exception(LIMIT_S), LookupError)
    for future in (good, bad):
        assert not future.cancel()
        assert not future.cancelled()
    assert good.result(0) == 1


def test_cancelling_tells_who_waits(executor: Executor, gate: Gate) -> None:
    """A thread that waits for the result is not left there."""
    last = many_held(executor, gate)[-1]
    told: list[type[BaseException]] = []

    def wait_for_it() -> None:
        try:
            last.result(LIMIT_S)
        except CancelledError as error:
            told.append(type(error))

    thread = threading.Thread(target=wait_for_it)
    thread.start()
    assert last.cancel()
    thread.join(LIMIT_S)
    assert told == [CancelledError]


@on(*POOLS)
def test_what_runs_in_a_pool_cannot_be_cancelled(executor: Executor, gate: Gate) -> None:
    """Which taskkit's own test says the contrary of."""
    running = many_held(executor, gate)[0]
    assert not running.cancel()
    gate.open()
    assert running.result(LIMIT_S) == 0


@on(TASKKIT)
def test_what_runs_on_a_worker_can_be_cancelled(executor: Executor, gate: Gate) -> None:
    """It ends, and the worker does what comes next."""
    running = executor.submit(held, gate.path)
    wait_until(running.running, LIMIT_S)
    assert running.cancel()
    assert (running.cancelled(), running.done(), running.running()) == (True, True, False)
    with pytest.raises(CancelledError):
        running.result(LIMIT_S)
    assert [executor.submit(abs, -n).result(LIMIT_S) for n in range(3)] == [0, 1, 2]


# What callbacks may do with the client


def test_a_callback_may_ask_for_another_job_s_id(client: taskkit.Client, gate: Gate) -> None:
    """It is there as soon as the server has answered, whoever asks for it."""
    ids: list[str] = []
    first = client.submit(held, gate.path)
    first.add_done_callback(lambda _: ids.append(client.submit(abs, -1).id))
    gate.open()
    wait_until(lambda: bool(ids), LIMIT_S)


@on(
    TASKKIT,
    THREADS,
)
def test_a_callback_may_wait_for_another_result(executor: Executor, gate: Gate) -> None:
    """Of what was submitted before, or of what it submits itself; a process pool hangs there."""
    first, other = executor.submit(held, gate.path), executor.submit(held, gate.path, "other")
    found: list[object] = []

    def wait_for_others(_: object) -> None:
        found.append(other.result(LIMIT_S))
        found.append(executor.submit(abs, -1).result(LIMIT_S))

    first.add_done_callback(wait_for_others)
    gate.open()
    wait_until(lambda: len(found) == 2, LIMIT_S)


@on(TASKKIT)
def test_a_callback_may_cancel(executor: Executor, gate: Gate) -> None:
    """The first result ends the search."""
    other, first = executor.submit(held, "/nowhere"), executor.submit(held, gate.path)
    first.add_done_callback(lambda _: other.cancel())
    gate.open()
    wait_until(other.cancelled, LIMIT_S)
