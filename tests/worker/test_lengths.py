"""Which jobs are claimed several at once, and of which it is known when they end."""

from __future__ import annotations

import pytest

from taskkit.ledger import Claim, JobRef, Lease
from taskkit.protocol.options import JobOptions
from taskkit.protocol.spec import JobSpec
from taskkit_worker.lengths import (
    KEPT,
    LONG_S,
    MEASURED,
    MOST,
    OF_NO_MATTER_S,
    SEEN,
    STEADY_S,
    TOGETHER_S,
    Lengths,
)


def claim(task: str = "fit", owner: str = "ada", **spec: object) -> Claim:
    """Return a claim of a job."""
    told = JobSpec(task=task, **spec)  # type: ignore[arg-type]
    return Claim(lease=Lease(JobRef(owner, "0" * 32), 1), spec=told)


def known(took_s: float, times: int = MEASURED) -> Lengths:
    """Return what has seen a job that often."""
    lengths = Lengths()
    for _ in range(times):
        lengths.note(claim(), took_s)
    return lengths


def test_nothing_is_brief_before_it_was_measured() -> None:
    """A few times, in this process."""
    assert known(0.0001, MEASURED - 1).most(claim()) == 0
    assert known(0.0001).most(claim()) == MOST - 1


def test_they_are_as_many_as_take_a_moment_together() -> None:
    """The one that was claimed is one of them."""
    assert known(TOGETHER_S / 4).most(claim()) == 3
    assert known(TOGETHER_S).most(claim()) == 0


def test_one_that_was_long_has_them_measured_anew() -> None:
    """All that was known of them does not hold."""
    lengths = known(0.0001)
    lengths.note(claim(), LONG_S)
    assert lengths.most(claim()) == 0
    for _ in range(MEASURED):
        lengths.note(claim(), 0.0001)
    assert lengths.most(claim()) > 0


def test_each_function_of_each_user_is_measured() -> None:
    """A function by its hash, whatever it is called."""
    lengths = known(0.0001)
    assert lengths.most(claim("other")) == lengths.most(claim(owner="bob")) == 0
    assert lengths.most(claim(function="ab" * 32)) == 0


@pytest.mark.parametrize(
    "spec",
    [
        {"options": JobOptions(timeout_s=5)},
        {"options": JobOptions(memory_mib=100)},
        {"options": JobOptions(cpus=2)},
        {"options": JobOptions(trace="00-" + "1" * 32 + "-" + "2" * 16 + "-01")},
        {"after": ("1" * 32,)},
    ],
    ids=str,
)
def test_who_has_limits_of_its_own_is_claimed_alone(spec: dict[str, object]) -> None:
    """A limit counts from when a job is begun."""
    assert known(0.0001).most(claim(**spec)) == 0


def test_a_name_is_no_matter() -> None:
    """Nor are the notebook, retries, queue and priority."""
    options = JobOptions(name="x", session="s", retries=2, queue="gpu", priority=3)
    assert known(0.0001).most(claim(options=options)) == MOST - 1


def test_of_many_functions_those_of_late_are_known() -> None:
    """A process may meet any number of them."""
    lengths = known(0.0001)
    for number in range(KEPT):
        for _ in range(MEASURED):
            lengths.note(claim(f"task {number}"), 0.0001)
    assert lengths.most(claim()) == 0
    assert lengths.most(claim(f"task {KEPT - 1}")) > 0


def test_when_a_steady_job_ends_is_known() -> None:
    """At the soonest, as long as its last runs are much the same."""
    lengths = known(2 * LONG_S)
    assert lengths.ends_in_s(claim()) == 2 * LONG_S
    assert lengths.most(claim()) == 0
    lengths.note(claim(), 2 * LONG_S - STEADY_S / 2)
    assert lengths.ends_in_s(claim()) == 2 * LONG_S - STEADY_S / 2
    lengths.note(claim(), 2 * LONG_S + STEADY_S)
    assert lengths.ends_in_s(claim()) is None


@pytest.mark.parametrize("took_s", [0.0001, TOGETHER_S, LONG_S * 0.99, OF_NO_MATTER_S, 3600.0])
def test_of_brief_and_of_long_ones_nobody_asks(took_s: float) -> None:
    """Several of the former are claimed at once; for the latter a moment is nothing."""
    assert known(took_s).ends_in_s(claim()) is None


def test_of_one_with_limits_and_of_a_new_one_it_is_not_known() -> None:
    """As with those that are claimed several at once."""
    assert known(2 * LONG_S, SEEN - 1).ends_in_s(claim()) is None
    assert known(2 * LONG_S).ends_in_s(claim(options=JobOptions(timeout_s=5))) is None
    assert known(2 * LONG_S).ends_in_s(claim("other")) is None
