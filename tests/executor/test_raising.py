"""What a call raises is what the future raises."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor
from typing import Any, NoReturn

import pytest
from calls import Diverged, Stop, fail, fail_from
from executors import ALL, LIMIT_S, PROCESSES, TASKKIT, THREADS, on

import taskkit

RAISED: list[BaseException] = [
    ValueError("a", 1),
    KeyError("missing"),
    OSError(2, "No such file or directory", "data.csv"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    subprocess.CalledProcessError(3, ["false"]),
    json.JSONDecodeError("Expecting value", "[", 1),
    TimeoutError("the call's own"),
    asyncio.CancelledError("the call's own"),
    RecursionError("too deep"),
    StopIteration(4),
    GeneratorExit(),
    SystemExit(3),
    KeyboardInterrupt("the call's own"),
    Stop("at once"),
    Diverged(3, 0.5),
    ExceptionGroup("both", [ValueError(1), ExceptionGroup("inner", [KeyError("k")])]),
    BaseExceptionGroup("both", [ValueError(1), KeyboardInterrupt()]),
]


@pytest.mark.parametrize("error", RAISED, ids=lambda error: type(error).__name__)
def test_an_exception_comes_back_as_itself(executor: Executor, error: BaseException) -> None:
    """Of the same class, with the same arguments, attributes and words."""
    future = executor.submit(fail_with, error)
    found = future.exception(LIMIT_S)
    assert type(found) is type(error)
    assert repr(found) == repr(error)
    assert str(found) == str(error)
    assert vars(found) == vars(error)
    assert future.done()
    assert not future.cancelled()
    with pytest.raises(type(error)) as caught:
        future.result(0)
    assert caught.value is found


def fail_with(error: BaseException) -> NoReturn:
    """Raise it."""
    raise error


@on(*ALL)
def test_a_cancelled_error_of_the_call_s_own_is_an_error(executor: Executor) -> None:
    """Some future of its own was cancelled; the call itself was not."""
    future = executor.submit(fail, CancelledError, "the call's own")
    assert isinstance(future.exception(LIMIT_S), CancelledError)
    assert not future.cancelled()


def test_notes_come_along(executor: Executor) -> None:
    """Those that `add_note` made."""
    error = ValueError("no")
    error.add_note("at step 3")
    found = executor.submit(fail_with, error).exception(LIMIT_S)
    assert found is not None
    assert found.__notes__ == ["at step 3"]


def test_errors_of_a_group_come_along(executor: Executor) -> None:
    """They can be handled one by one."""
    group = ExceptionGroup("both", [ValueError(1), KeyError("k")])
    handled: list[BaseException] = []
    try:
        executor.submit(fail_with, group).result(LIMIT_S)
    except* KeyError as found:
        handled += found.exceptions
    except* ValueError:
        pass
    assert [repr(error) for error in handled] == ["KeyError('k')"]


@on(TASKKIT, PROCESSES)
def test_the_cause_shows_where_it_happened(executor: Executor) -> None:
    """The traceback of the other process, with the line and what it says there."""
    error = executor.submit(fail, LookupError, "nowhere").exception(LIMIT_S)
    assert error is not None
    assert "raise error(*args)  # the line that tests look for" in str(error.__cause__)
    assert "LookupError: nowhere" in str(error.__cause__)


@on(TASKKIT, PROCESSES)
def test_the_cause_shows_its_own_causes(executor: Executor) -> None:
    """The chain of exceptions is told to its beginning."""
    future = executor.submit(fail_from, KeyError("first"), ValueError("second"))
    text = str(future.exception(LIMIT_S).__cause__)  # type: ignore[union-attr]
    assert text.index("KeyError: 'first'") < text.index("direct cause")
    assert text.index("direct cause") < text.index("ValueError: second")


@on(TASKKIT)
def test_the_cause_shows_no_frame_of_taskkit_s(executor: Executor) -> None:
    """It begins where the user's code does."""
    text = str(executor.submit(fail, LookupError).exception(LIMIT_S).__cause__)  # type: ignore[union-attr]
    assert "taskkit_worker" not in text
    assert "celery" not in text


def test_a_real_recursion_error(executor: Executor) -> None:
    """It hurts nothing but the call."""
    assert isinstance(executor.submit(recurse, 0).exception(LIMIT_S), RecursionError)
    assert executor.submit(abs, -1).result(LIMIT_S) == 1


def recurse(depth: int) -> int:
    """Never end."""
    return recurse(depth + 1) + 1


# Classes that make it hard


class Several(Exception):
    """Its constructor takes other arguments than it passes on."""

    def __init__(self, step: int, loss: float) -> None:
        super().__init__(f"loss {loss} at step {step}")
        self.step = step
        self.loss = loss


class Keyword(Exception):
    """Its constructor takes keywords only."""

    def __init__(self, *, step: int) -> None:
        super().__init__(f"at step {step}")
        self.step = step


class Adorned(Exception):
    """Its constructor makes a message of its argument, and takes the message for an argument."""

    def __init__(self, step: object) -> None:
        super().__init__(f"at step {step}")
        self.step = step


class Argless(Exception):
    """Its constructor does not tell its base of its arguments."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __str__(self) -> str:
        return f"at step {self.step}"


def fail_several() -> NoReturn:
    """Raise what pickle cannot load again."""
    raise Several(3, loss=0.5)


def fail_keyword() -> NoReturn:
    """Raise what pickle cannot load again."""
    raise Keyword(step=3)


def fail_adorned() -> NoReturn:
    """Raise what pickle loads as something else."""
    raise Adorned(3)


def fail_argless() -> NoReturn:
    """Raise what pickle loads well."""
    raise Argless(3)


def fail_outside() -> NoReturn:
    """Raise what a library raises."""
    from subprocess import TimeoutExpired

    raise TimeoutExpired("sleep", 3)


@on(
    TASKKIT,
    THREADS,
)
@pytest.mark.parametrize("call", [fail_several, fail_keyword, fail_adorned])
def test_a_constructor_of_one_s_own_is_no_hindrance(
    executor: Executor, call: Callable[[], NoReturn]
) -> None:
    """The class, the words and the attributes are there; it is caught by its class."""
    check_same(executor, call)


@on(TASKKIT, THREADS)
@pytest.mark.parametrize("call", [fail_argless, fail_outside])
def test_nor_is_one_that_pickle_knows(executor: Executor, call: Callable[[], NoReturn]) -> None:
    """The class, the words and the attributes are there."""
    check_same(executor, call)


def check_same(executor: Executor, call: Callable[[], NoReturn]) -> None:
    """Fail unless what a call raises there is what it raises here."""
    found = executor.submit(call).exception(LIMIT_S)
    with pytest.raises(Exception) as caught:
        call()
    expected = caught.value
    assert type(found) is type(expected)
    assert str(found) == str(expected)
    assert found.args == expected.args  # type: ignore[union-attr]
    assert vars(found) == vars(expected)


@on(TASKKIT, THREADS)
def test_a_class_of_a_function_s_own(executor: Executor) -> None:
    """It is caught by the class that the notebook has."""

    class Local(Exception):
        pass

    def fail_here() -> NoReturn:
        raise Local("here")

    with pytest.raises(Local, match="here"):
        executor.submit(fail_here).result(LIMIT_S)


@on(TASKKIT)
def test_one_that_cannot_travel_is_told_in_words(executor: Executor) -> None:
    """Its name, its message and its place are there."""

    def fail_with_lock() -> NoReturn:
        raise ValueError("held", threading.Lock())

    with pytest.raises(taskkit.RemoteError, match=r"ValueError: \('held', <unlocked") as caught:
        executor.submit(fail_with_lock).result(LIMIT_S)
    assert 'raise ValueError("held"' in str(caught.value.__cause__)


class Mute(Exception):
    """It cannot be told."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


@on(TASKKIT)
def test_one_whose_words_fail(executor: Executor) -> None:
    """It is raised all the same."""

    def fail_mute() -> NoReturn:
        raise Mute

    with pytest.raises(Mute):
        executor.submit(fail_mute).result(LIMIT_S)


class Refusing(Exception):
    """It fails when it is pickled."""

    def __init__(self, error: type[BaseException]) -> None:
        super().__init__(f"refuses with {error.__name__}")
        self.error = error

    def __reduce__(self) -> NoReturn:
        raise self.error


def fail_refusing(error: type[BaseException]) -> NoReturn:
    """Raise what fails when it is pickled."""
    raise Refusing(error)


@on(TASKKIT)
def test_one_that_fails_when_it_is_pickled(executor: Executor) -> None:
    """It is told in words."""
    with pytest.raises(taskkit.RemoteError, match="Refusing: refuses with ValueError"):
        executor.submit(fail_refusing, ValueError).result(LIMIT_S)


@on(TASKKIT)
def test_one_that_exits_when_it_is_pickled(executor: Executor) -> None:
    """It is told in words, too: the worker does not die of it."""
    job = executor.submit(fail_refusing, SystemExit)
    with pytest.raises(taskkit.RemoteError, match="Refusing: refuses with SystemExit"):
        job.result(LIMIT_S)


@on(TASKKIT, PROCESSES)
def test_leaving_by_sys_exit_leaves_the_process(executor: Executor) -> None:
    """It is an exception like any other: the next call runs in the same processes."""
    before = {executor.submit(os.getpid).result(LIMIT_S) for _ in range(20)}
    assert isinstance(executor.submit(fail, SystemExit, 3).exception(LIMIT_S), SystemExit)
    after: set[Any] = {executor.submit(os.getpid).result(LIMIT_S) for _ in range(20)}
    assert after & before
