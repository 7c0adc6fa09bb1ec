"""`@task` marks a function and leaves it what it was."""

from __future__ import annotations

import cloudpickle

import taskkit
from taskkit.inside.task import task_name


@taskkit.task
def double(x: float) -> float:
    """Return twice as much."""
    return 2 * x


@taskkit.task(name="thrice")
def triple(x: float) -> float:
    """Return three times as much."""
    return 3 * x


def plain(x: float) -> float:
    """Return it."""
    return x


def test_a_task_stays_a_function() -> None:
    """It is called, named and documented as before."""
    assert double(4) == 8
    assert (double.__name__, double.__doc__) == ("double", "Return twice as much.")
    assert double.__annotations__ == {"x": "float", "return": "float"}


def test_a_task_has_a_name() -> None:
    """The function's own, or the one that was given; nothing else has one."""
    assert (task_name(double), task_name(triple)) == ("double", "thrice")
    for other in (plain, 7, None, len):
        assert task_name(other) is None


def test_a_marked_function_is_still_shipped_from_a_notebook() -> None:
    """It may be submitted itself."""
    shipped = cloudpickle.loads(cloudpickle.dumps(double))
    assert shipped(4) == 8
    assert task_name(shipped) == "double"
