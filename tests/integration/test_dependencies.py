"""Jobs that are given other jobs' results, on a real stack."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from waiting import wait_until

import taskkit
from taskkit.client import Client
from taskkit.protocol.errors import DependencyFailed, JobNotFound

pytestmark = pytest.mark.stack

LIMIT_S = 60


class Point:
    """A class that travels by value."""

    def __init__(self, x: float) -> None:
        self.x = x


def add(*values: Any) -> Any:
    """Add up."""
    return sum(values)


def nested(tree: dict[str, Any]) -> float:
    """Add up what is within."""
    total: float = tree["one"] + sum(point.x for point in tree["points"])
    return total


def wait_for(path: str) -> int:
    """Return when a file is there."""
    while not os.path.exists(path):  # noqa: PTH110
        time.sleep(0.02)
    return 1


def fail() -> None:
    """Raise."""
    raise ValueError("no data")


@pytest.fixture
def client(stack: taskkit.LocalStack) -> Iterator[Client]:
    """A client of the shared stack."""
    made = stack.client()
    yield made
    made.close()  # not waiting for what a test that failed has left


def test_a_job_is_given_the_results_of_others(client: Client, tmp_path: Path) -> None:
    """By itself, nested, as objects of the notebook's classes, as arrays; before they are there."""
    gate = tmp_path / "gate"
    one = client.submit(wait_for, str(gate))
    points = [client.submit(Point, 2.0), client.submit(Point, 0.5)]
    total = client.submit(nested, {"one": one, "points": points})
    array = client.submit(np.arange, 4)
    scaled = client.submit(np.multiply, array, total)
    needed = (one.id, points[0].id, points[1].id)
    wait_until(lambda: total.record.after == needed)
    assert not total.done()
    gate.touch()
    assert total.result(LIMIT_S) == 3.5
    assert scaled.result(LIMIT_S).tolist() == [0.0, 3.5, 7.0, 10.5]


def test_a_batch_is_the_list_of_its_results(client: Client) -> None:
    """Where each item has a job of its own."""
    batch = client.map(add, range(10))
    assert client.submit(sum, batch).result(LIMIT_S) == 45
    later = client.map(add, batch.jobs, range(10))
    assert list(later) == [2 * n for n in range(10)]


def test_a_chain_needs_no_notebook(client: Client) -> None:
    """Each step begins when the one before it has ended."""
    job = client.submit(add, 0)
    for _ in range(50):
        job = client.submit(add, job, 1)
    assert job.result(LIMIT_S) == 50


def test_a_failure_is_told_to_those_that_waited(client: Client) -> None:
    """Of whatever length the way is."""
    first = client.submit(fail)
    last = client.submit(add, client.submit(add, first))
    with pytest.raises(DependencyFailed, match=f"{first.id} .fail., which failed: ValueError: no"):
        last.result(LIMIT_S)


def test_cancelling_goes_down_on_request(client: Client, tmp_path: Path) -> None:
    """Nothing of it runs."""
    first = client.submit(wait_for, str(tmp_path / "never"))
    second = client.submit(add, first)
    third = client.submit(add, second)
    wait_until(first.running)
    assert first.cancel(dependents=True)
    for job in (second, third):
        with pytest.raises(CancelledError):
            job.result(LIMIT_S)


def test_a_cell_that_runs_again_finds_the_same_chain(stack: taskkit.LocalStack) -> None:
    """Keyed jobs that build on jobs, keyed or not, by another client."""
    ids = []
    for _ in range(2):
        with stack.client() as client:
            first = client.options(key="chain-1").submit(add, 1)
            between = client.submit(add, first, 1)
            last = client.options(key="chain-2").submit(add, first, between)
            assert last.result(LIMIT_S) == 3
            ids.append((first.id, last.id))
    assert ids[0] == ids[1]


def test_a_job_of_another_stack_is_not_here(client: Client) -> None:
    """It is refused when it is submitted."""
    with taskkit.LocalStack(workers=1) as other, other.client() as elsewhere:
        job = elsewhere.submit(add, 1)
        job.result(LIMIT_S)
        with pytest.raises(JobNotFound, match="whose result it needs is not here"):
            client.submit(add, job).result(LIMIT_S)
