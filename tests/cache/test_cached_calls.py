"""`options(cache=True)` on a real stack: what is known is not run, and others say why they are."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from waiting import wait_until

import taskkit
from taskkit.panels.recalled import recall_text
from taskkit.panels.still import still_html
from taskkit.protocol.jobs import JobState

pytestmark = pytest.mark.stack


def written(source: str, name: str, **names: Any) -> FunctionType:
    """Return a function of a notebook whose cell says this."""
    namespace: dict[str, Any] = {"__name__": "__main__", **names}
    exec(source, namespace)
    found: FunctionType = namespace[name]
    return found


COUNTED = """
def counted(path, x):
    with open(path, "a") as file:
        file.write("x")
    return x * factor
"""


@pytest.fixture
def runs(tmp_path: Path) -> Callable[[], int]:
    """Return how often a function was run."""
    path = tmp_path / "runs"
    return lambda: len(path.read_text()) if path.exists() else 0


def test_an_equal_call_has_the_result_that_is_there(
    stack: taskkit.LocalStack, tmp_path: Path, runs: Callable[[], int]
) -> None:
    """From another client, of a function made anew; a changed global makes it run, and says so."""
    path = str(tmp_path / "runs")
    with stack.client() as client:
        first = client.options(cache=True).submit(written(COUNTED, "counted", factor=2), path, 3)
        assert first.result(60) == 6
        assert recall_text(first.record, 0) == ""
    with stack.client() as client:
        cached = client.options(cache=True)
        again = cached.submit(written("# a comment\n" + COUNTED, "counted", factor=2), path, x=3)
        assert again.result(60) == 6
        assert (runs(), again.id) == (1, first.id)
        told = recall_text(again.record, (again.record.finished_at or 0) + 3 * 86_400_000)
        assert told.startswith("from 3 days ago (".replace(" d", "\u00a0d"))
        assert told.endswith("): same code and arguments")
        assert "same code and arguments" in repr_of(again)
        changed = cached.submit(written(COUNTED, "counted", factor=5), path, 3)
        assert changed.result(60) == 15
        assert (runs(), changed.id == first.id) == (2, False)
        assert recall_text(changed.record, 0) == "run again: `factor` changed"
        assert "`factor` changed" in still_html(changed)
        assert recall_text(client.job(changed.id).record, 0) == "run again: `factor` changed"
        assert client.job(again.id).record.is_recalled is False


def repr_of(job: taskkit.Job[Any]) -> str:
    """Return a job as a line of text."""
    from taskkit.panels.look import look

    return look(job).line


def test_renewed_forgotten_and_failed_calls_are_run(
    stack: taskkit.LocalStack, tmp_path: Path, runs: Callable[[], int]
) -> None:
    """By "renew" the new result is the one that counts from then on."""
    path = str(tmp_path / "runs")
    function = written(COUNTED, "counted", factor=3)
    with stack.client() as client:
        cached = client.options(cache=True)
        cached.submit(function, path, 1).result(60)
        renewed = client.options(cache="renew").submit(function, path, 1)
        assert (renewed.result(60), runs()) == (3, 2)
        assert recall_text(renewed.record, 0) == "run again, as asked"
        assert cached.submit(function, path, 1).id == renewed.id
        client.forget(function)
        assert cached.submit(function, path, 1).result(60) == 3
        assert runs() == 3
        client.forget()
        assert cached.submit(function, path, 1).result(60) == 3
        assert runs() == 4
        for _ in range(2):
            with pytest.raises(FileNotFoundError):
                cached.submit(function, "/nowhere/at/all", 1).result(60)
        with pytest.raises(ValueError, match="key or cache"):
            cached.options(key="k")
        with pytest.raises(ValueError, match='True, False or "renew"'):
            client.options(cache="always")  # type: ignore[arg-type]


def test_what_cannot_be_told_is_run_each_time_and_says_why(stack: taskkit.LocalStack) -> None:
    """Such as code that may reach anything."""
    function = written("def f(x):\n    return eval('x + 1')", "f")
    with stack.client() as client:
        first, second = (client.options(cache=True).submit(function, 1) for _ in range(2))
        assert (first.result(60), second.result(60)) == (2, 2)
        assert first.id != second.id
        assert "`f` uses `eval`" in recall_text(second.record, 0)


def test_two_at_once_are_run_once(
    stack: taskkit.LocalStack, tmp_path: Path, runs: Callable[[], int]
) -> None:
    """Also of different clients, while the first one runs; cancelled, it is run again."""
    slow = written("import time\ndef slow(t):\n    time.sleep(t)\n    return t", "slow")
    with stack.client() as one, stack.client() as other:
        first = one.options(cache=True).submit(slow, 60)
        second = other.options(cache=True).submit(slow, 60)
        wait_until(lambda: second.state is JobState.RUNNING)
        assert first.id == second.id
        assert recall_text(second.record, 0).startswith("the job of an equal call")
        assert first.cancel()
        wait_until(lambda: second.state is JobState.CANCELLED)
        third = one.options(cache=True).submit(slow, 60)
        assert third.id != first.id
        assert third.cancel()


def test_a_map_runs_the_items_that_are_new(
    stack: taskkit.LocalStack, tmp_path: Path, runs: Callable[[], int]
) -> None:
    """And says of the batch how many it knew, and why it runs others."""
    function = written(COUNTED, "counted", factor=7)
    path = str(tmp_path / "runs")
    with stack.client() as client:
        cached = client.options(cache=True)
        assert list(cached.map(function, [path] * 3, [1, 2, 3])) == [7, 14, 21]
        longer = cached.map(function, [path] * 5, [1, 2, 3, 4, 4])
        assert list(longer) == [7, 14, 21, 28, 28]
        assert runs() == 4
        known = [record.is_recalled for record in longer.records()]
        assert known == [True, True, True, False, True]
        assert "4 of 5 from before" in repr_of(longer)  # type: ignore[arg-type]
        other = cached.map(written(COUNTED, "counted", factor=8), [path] * 2, [1, 2])
        assert list(other) == [8, 16]
        assert "2 run again: `factor` changed" in repr_of(other)  # type: ignore[arg-type]


def test_a_job_as_an_argument_counts_as_that_job(
    stack: taskkit.LocalStack, tmp_path: Path, runs: Callable[[], int]
) -> None:
    """A chain whose beginning is known is known; a renewed beginning has all run again."""
    path = str(tmp_path / "runs")
    function = written(COUNTED, "counted", factor=2)
    with stack.client() as client:
        cached = client.options(cache=True)

        def chain(begin: taskkit.Client) -> Any:
            return cached.submit(function, path, begin.submit(function, path, 1)).result(60)

        assert (chain(cached), chain(cached), runs()) == (4, 4, 2)
        assert chain(client.options(cache="renew")) == 4
        assert runs() == 4
        assert (chain(cached), runs()) == (4, 4)


def test_a_named_task_counts_by_its_version_and_arguments(stack: taskkit.LocalStack) -> None:
    """As the workers tell it."""
    with stack.client() as client:
        cached = client.options(cache=True)
        first = cached.submit("demo", name="cached")
        first.result(60)
        assert cached.submit("demo", name="cached").id == first.id
        assert cached.submit("demo", name="another").id != first.id
        assert all(task.version for task in client.tasks())


def test_a_large_result_is_there_again(stack: taskkit.LocalStack) -> None:
    """By its blobs, from another client."""
    numpy = pytest.importorskip("numpy")
    source = "import numpy as np\ndef make(n):\n    return np.arange(n)"
    with stack.client() as client:
        first = client.options(cache=True).submit(written(source, "make"), 300_000)
        assert first.result(60).sum() == numpy.arange(300_000).sum()
    with stack.client() as client:
        begun = time.monotonic()
        again = client.options(cache=True).submit(written(source, "make"), 300_000)
        assert (again.result(60) == numpy.arange(300_000)).all()
        assert begun <= time.monotonic()
        assert again.id == first.id
