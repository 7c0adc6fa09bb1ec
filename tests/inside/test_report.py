"""Numbers by name reach the listener, from whatever library they are."""

from __future__ import annotations

import numpy as np
import pytest
from hearing import Hearing

import taskkit
from taskkit.inside.place import listening


def test_values_reach_the_listener_with_their_step() -> None:
    """As plain numbers; without a step, none."""
    with listening(hearing := Hearing()):
        taskkit.report(loss=np.float32(0.5), accuracy=np.array(1), step=np.int64(3))
        taskkit.report(loss=True)
    assert hearing.points == [({"loss": 0.5, "accuracy": 1.0}, 3.0), ({"loss": 1.0}, None)]
    assert {type(value) for values, _ in hearing.points for value in values.values()} == {float}


@pytest.mark.parametrize("wrong", [{"loss": "low"}, {"loss": None}, {"loss": 1, "step": [1, 2]}])
def test_what_is_no_number_is_refused_by_name(wrong: dict[str, object]) -> None:
    """In the notebook as well, where a task is tried out."""
    name, value = list(wrong.items())[-1]
    words = f"report\\(\\) takes numbers, and {name} is a {type(value).__name__}"
    with pytest.raises(TypeError, match=words):
        taskkit.report(**wrong)  # type: ignore[arg-type]


def test_outside_a_job_nothing_happens(capsys: pytest.CaptureFixture[str]) -> None:
    """The same function runs in the notebook, silently."""
    taskkit.report(loss=0.5)
    assert capsys.readouterr() == ("", "")
