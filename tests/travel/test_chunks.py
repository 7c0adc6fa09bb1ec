"""Calls that share a job: all are made, in order, and each has its own outcome."""

from __future__ import annotations

import pickle
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskkit.protocol.errors import JobTimedOut
from taskkit.protocol.jobs import ErrorInfo
from taskkit.travel.chunks import (
    Blocks,
    Call,
    CallsFailed,
    Chunk,
    LargeCallsError,
    Outcomes,
    Raised,
    kept_calls,
)


def blocks(calls: Sequence[Call]) -> Blocks:
    """Return calls as blocks."""
    return Blocks(calls, lambda some: pickle.dumps(list(some)))


def run(chunk: Chunk, function: Callable[..., Any]) -> list[Any]:
    """Run a chunk as it arrives on a worker; return what came of its calls."""
    arrived: Chunk = pickle.loads(pickle.dumps(chunk))
    try:
        return arrived.run(function, pickle.loads, told).values
    except CallsFailed as error:
        travelled: CallsFailed = pickle.loads(pickle.dumps(error))
        return travelled.outcomes.values


def told(error: BaseException) -> Raised:
    """Return an exception in words."""
    return Raised(ErrorInfo(type=type(error).__name__, message=str(error)), None)


@given(st.integers(1, 3000), st.integers(1, 5000), st.data())
def test_a_chunk_is_the_calls_from_start_to_stop(count: int, chars: int, data: Any) -> None:
    """However they fall into blocks."""
    calls = [(n, "x" * (chars if n % 100 == 0 else 1)) for n in range(count)]
    start = data.draw(st.integers(0, count - 1))
    stop = data.draw(st.integers(start + 1, count))
    made = run(blocks(calls).chunk(start, stop, None), lambda n, _: n)
    assert made == list(range(start, stop))
    assert blocks(calls).call(start) == calls[start]


def test_calls_are_as_they_were() -> None:
    """What the caller changes afterwards is not seen."""
    value = [1]
    kept = blocks([(value,), (value,)])
    value.append(2)
    assert run(kept.chunk(0, 2, None), list) == [[1], [1]]


@pytest.mark.parametrize("large_from", [0, 100])
def test_large_calls_are_not_pickled_together(large_from: int) -> None:
    """It is found out with the first one, or with a block at the latest."""
    pickled: list[int] = []

    def dump(some: Sequence[Call]) -> bytes:
        pickled.append(len(some))
        return pickle.dumps(list(some))

    calls = [(bytes(70_000 if n >= large_from else 1),) for n in range(100_000)]
    with pytest.raises(LargeCallsError):
        Blocks(calls, dump)
    assert sum(pickled) < 3000


def test_an_exception_is_in_the_place_of_its_call() -> None:
    """The calls behind it are made; the first one is the cause."""

    def inverse(n: int) -> float:
        return 1 / n

    chunk = blocks([(1,), (0,), (2,), (0,)]).chunk(0, 4, None)
    values = run(chunk, inverse)
    assert [values[0], values[2]] == [1.0, 0.5]
    assert [value.error.type for value in (values[1], values[3])] == ["ZeroDivisionError"] * 2
    with pytest.raises(CallsFailed, match="2 of 4 calls failed: ZeroDivisionError: ") as caught:
        chunk.run(inverse, pickle.loads, told)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


@pytest.mark.parametrize("end", [KeyboardInterrupt, JobTimedOut])
def test_what_ends_the_job_ends_the_chunk(end: type[BaseException]) -> None:
    """It is not the call's own."""
    made = []

    def call(n: int) -> None:
        made.append(n)
        if n == 1:
            raise end

    with pytest.raises(end):
        run(blocks([(n,) for n in range(3)]).chunk(0, 3, None), call)
    assert made == [0, 1]


def test_a_chunk_begins_nothing_when_its_time_is_up() -> None:
    """But its first call."""
    chunk = blocks([(n,) for n in range(9)]).chunk(3, 9, 0.0)
    assert run(chunk, lambda n: n) == [3]


def test_outcomes_are_shown_short() -> None:
    """A list of jobs names a chunk's result so."""
    assert repr(Outcomes(list(range(1000)), 0.1)) == "<1,000 results: 0, 1, 2, 3, 4, …>"
    assert repr(Outcomes(["x" * 99], 0.1)) == f"<1 results: '{'x' * 39}>"


def test_a_chunk_whose_time_is_up_says_how_many_calls_it_makes() -> None:
    """Within the call that takes so long; it makes no more, whatever else it was given."""
    seen: list[int | None] = [kept_calls()]

    def call(n: int) -> int:
        seen.append(kept_calls())
        time.sleep(0.06 if n == 1 else 0)
        seen.append(kept_calls())
        return n

    assert run(blocks([(n,) for n in range(9)]).chunk(0, 9, 0.05), call) == [0, 1]
    assert seen == [None, None, None, None, 2]
    assert kept_calls() is None


@pytest.mark.parametrize("stop_s", [None, 0.0])
def test_a_chunk_that_makes_all_its_calls_releases_none(stop_s: float | None) -> None:
    """One without a time, or at its last call."""
    chunk = blocks([(n,) for n in range(2)]).chunk(0, 2 if stop_s is None else 1, stop_s)
    assert set(run(chunk, lambda _: kept_calls())) == {None}


def test_what_a_chunk_says_is_kept_to() -> None:
    """Another thread looks again and again; no call begins that it did not know of."""
    rounds: list[list[int]] = [[]]
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            told = rounds[-1]
            kept = kept_calls()
            if kept is not None:
                told.append(kept)

    looking = threading.Thread(target=look)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        looking.start()
        for _ in range(10):
            rounds.append([])
            made = run(blocks([(n,) for n in range(3000)]).chunk(0, 3000, 0.001), lambda n: n)
            assert all(len(made) <= kept for kept in rounds[-1])
    finally:
        is_over.set()
        looking.join()
        sys.setswitchinterval(before)
