"""Jobs within arguments are their places there, and their results where they arrive."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from taskkit.client.job import Job
from taskkit.protocol.errors import CannotTravel
from taskkit.travel.awaited import by_work, collecting
from taskkit.travel.classes import Classes
from taskkit.travel.functions import pickle_arguments, pickle_function, work_of


class Nobody:
    """A service that is not asked."""


def job(key: str, work: str = "") -> Job[Any]:
    """Return a job that was submitted under a key."""
    service: Any = Nobody()
    return Job(service, "demo", key=key, work=work)


def test_a_job_is_replaced_wherever_it_stands() -> None:
    """Each has one place, however often it comes."""
    first, second = job("a"), job("b")
    with collecting() as jobs:
        pickled, _ = pickle_arguments([first, [second, {"x": (first,)}]], {"y": {second}})
    assert [one.reference() for one in jobs] == ["key:a", "key:b"]
    args, kwargs = Classes().load(pickled, results=["A", "B"].__getitem__)
    assert args == ("A", ["B", {"x": ("A",)}])
    assert kwargs == {"y": {"B"}}


def test_a_job_is_no_value() -> None:
    """Outside of arguments it is refused, and said how it travels."""
    waited_for = job("a")

    def use() -> Any:
        return waited_for

    with pytest.raises(CannotTravel, match=r"variable 'waited_for' .* takes it as a parameter"):
        pickle_function(use)


def test_another_argument_is_blamed_for_itself() -> None:
    """Not the job beside it."""
    with collecting(), pytest.raises(CannotTravel, match=r"argument 2 → \[0\] cannot be sent"):
        pickle_arguments([job("a"), [threading.Lock()]], {})


def test_the_same_work_is_asked_for_whichever_job_it_is() -> None:
    """Under a key of the user's, in another kernel: what the job is for does not change."""
    with by_work():
        works = [work_of([job(key, work)]) for key, work in (("1", "f"), ("2", "f"), ("1", "g"))]
    assert works[0] == works[1]
    assert works[0] != works[2]


def test_results_are_known_to_workers_alone() -> None:
    """What was collected cannot be loaded elsewhere."""
    with collecting():
        pickled, _ = pickle_arguments([job("a")], {})
    with pytest.raises(RuntimeError, match="job 0 is known to the worker alone"):
        Classes().load(pickled)
