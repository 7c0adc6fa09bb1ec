"""No change that changes a result is passed over; what changes nothing is mostly known as that.

Each program of `programs` is run in a kernel, and so are others that differ from it by one thing
(`mutants`). Whether a change matters is seen by the result. `make mutations` runs all of them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest
from judging import Kernels, Verdict, kernels
from mutants import avoidable, changed, neutral
from programs import PROGRAMS

IS_LONG = os.environ.get("MUTATIONS") == "all"
CHANGED, SAME = (10_000, 100) if IS_LONG else (5, 3)
"""So many of each program at most."""

PROMISED = (
    "another cell",
    "another file",
    "another kernel",
    "cell number",
    "cell order",
    "cell run again",
    "comment",
    "docstring",
    "reformatted",
    "whitespace",
)
"""Kinds of changes that are said to make no difference."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernels]:
    """Yield kernels for these tests."""
    with kernels(tmp_path_factory.mktemp("kernels")) as running:
        yield running


@pytest.mark.timeout(3600 if IS_LONG else 600)
def test_no_change_of_a_result_is_passed_over(
    running: Kernels, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not one false hit; and of what changes nothing, less than one in fifty is run again."""
    chance = random.Random(20261127)
    verdict = Verdict()
    for program in PROGRAMS:
        base = running.run(program)
        assert not base.trouble, f"{program.name}: {base.trouble}"
        assert base.key, f"{program.name} is unsure: {base.unsure}"
        other = running.run(program, seed=2)
        (verdict.hits if other.key == base.key else verdict.misses)["another kernel"] += 1
        if other.key != base.key:
            verdict.missed.append(f"{program.name}: another kernel")
        others = list(changed(program))
        for mutant in chance.sample(others, min(CHANGED, len(others))):
            verdict.judge(base, mutant, running.run(mutant.program), is_neutral=False)
        same = [*neutral(program, chance), *avoidable(program)]
        for mutant in chance.sample(same, min(SAME, len(same))):
            verdict.judge(base, mutant, running.run(mutant.program), is_neutral=True)
    with capsys.disabled():
        print(f"\n{verdict.report(PROMISED)}")
    assert verdict.false_hits == []
    assert verdict.rate(PROMISED) < 0.02
