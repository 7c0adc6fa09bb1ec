"""Sweeps on a real stack: tables that fill, grow, fail, are cancelled, and are found by name."""

from __future__ import annotations

import doctest
import importlib
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from waiting import wait_until

import taskkit
from taskkit.panels.look import look
from taskkit.protocol.errors import StudyChanged, StudyNotFound
from taskkit.protocol.jobs import JobState
from taskkit.studies.archive import Archive
from taskkit.studies.calls import calling_of
from taskkit.studies.points import digest_of
from taskkit.studies.record import growth_of
from taskkit.studies.space import space_of

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

LIMIT_S = 60

GRID: dict[str, list[Any]] = {"alpha": [0.1, 0.2], "beta": ["x", "y"]}


def measure(alpha: float, beta: str, rng: np.random.Generator, seed: int) -> dict[str, Any]:
    """Return several numbers, of which one is random."""
    return {"length": len(beta), "noise": rng.normal(), "told": seed}


def marked(marks: Path, gate: Path | None = None) -> Callable[[int], int]:
    """Return a function that leaves a line each time that it is called, and may be held."""

    def square(n: int) -> int:
        import time

        with marks.open("a") as lines:
            lines.write(f"{n}\n")
        while gate is not None and n >= 2 and not gate.exists():
            time.sleep(0.02)
        return n * n

    return square


def is_up(stack: taskkit.LocalStack) -> bool:
    """Return whether the stack answers."""
    try:
        with stack.client() as client:
            return client.studies() is not None
    except taskkit.ServiceError:
        return False


def runs(marks: Path) -> Counter[int]:
    """Return how often each call was made."""
    return Counter(map(int, marks.read_text().split())) if marks.exists() else Counter()


def test_a_sweep_is_a_table_with_a_row_for_each_point_and_repeat(
    client: taskkit.Client,
) -> None:
    """Parameters, repeat, seed, state, what the dict has, time and error; in the grid's order."""
    study = client.sweep(measure, GRID, repeats=2, seed=42)
    frame = study.wait(LIMIT_S).frame()
    assert list(frame.columns) == [
        *("alpha", "beta", "repeat", "seed", "state"),
        *("length", "noise", "told", "took_s", "error"),
    ]
    points = [(a, b, n) for a in GRID["alpha"] for b in GRID["beta"] for n in range(2)]
    assert list(frame[["alpha", "beta", "repeat"]].itertuples(index=False, name=None)) == points
    assert set(frame["state"]) == {"succeeded"}
    assert frame["told"].tolist() == frame["seed"].tolist()
    assert frame["noise"].nunique() == len(study) == 8
    assert frame["error"].isna().all()
    assert (frame["took_s"] >= 0).all()
    here = calling_of(measure, 42, {"alpha": 0.2, "beta": "x"})
    point = {"alpha": 0.2, "beta": "x"}
    assert frame["noise"][5] == here(point, digest_of(point), 1)["noise"]


def test_names_that_are_taken_hide_no_column(client: taskkit.Client) -> None:
    """Of a parameter that is called as a column of the study's, and of a result as a parameter."""

    def name(seed: int, state: str) -> dict[str, Any]:
        return {"seed": 10 * seed, "state": state.upper(), "value": 1, "error": "none"}

    frame = client.sweep(name, {"seed": [1, 2], "state": "solid"}).wait(LIMIT_S).frame()
    assert frame[["seed", "result_seed"]].to_numpy().tolist() == [[1, 10], [2, 20]]
    assert set(frame["state"]) == {"solid"}
    assert set(frame["study_state"]) == {"succeeded"}
    assert set(frame["result_state"]) == {"SOLID"}
    assert frame["result_error"].tolist() == ["none"] * 2
    assert frame["study_seed"].nunique() == 2


def test_a_study_is_the_same_on_one_process_as_on_two(client: taskkit.Client) -> None:
    """And in chunks as in jobs of their own: short calls share jobs, those with retries none."""
    space = {"n": range(50)}

    def draw(n: int, rng: np.random.Generator) -> float:
        return float(n + rng.random())

    with taskkit.LocalStack(workers=1, open=True) as alone, alone.client() as elsewhere:
        one = elsewhere.sweep(draw, space, repeats=2, seed=3).wait(LIMIT_S)
        frames = [one.frame()]
        assert len(one.jobs) < 100
    chunked = client.sweep(draw, space, repeats=2, seed=3)
    each = client.options(retries=1).sweep(draw, space, repeats=2, seed=3)
    frames += [study.wait(LIMIT_S).frame() for study in (chunked, each)]
    assert len(each.jobs) == 100
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(
            frame.drop(columns="took_s"), frames[0].drop(columns="took_s")
        )
    other_seed = client.sweep(draw, space, repeats=2, seed=4).wait(LIMIT_S).frame()
    assert not set(other_seed["value"]) & set(frames[0]["value"])


def test_the_table_fills_as_results_come(
    client: taskkit.Client, tmp_path: Path, gate: Path
) -> None:
    """What is not there yet is NaN; iterating yields rows as they are done, the first early."""
    study = client.sweep(marked(tmp_path / "marks", gate), {"n": range(4)})
    coming = iter(study)
    early = [next(coming), next(coming)]
    assert {row.values["n"]: row.value for row in early} == {0: 0, 1: 1}
    frame = study.frame()
    assert frame["value"].isna().tolist() == [False, False, True, True]
    assert set(frame["state"][2:]) <= {"queued", "running"}
    assert not study.done()
    with pytest.raises(TimeoutError):
        study.wait(0.05)
    gate.touch()
    late = list(coming)
    assert sorted(row.value for row in late) == [4, 9]
    assert study.frame()["value"].tolist() == [0, 1, 4, 9]


def test_another_kernel_finds_a_study_by_its_name(
    client: taskkit.Client, other: taskkit.Client, name: str, tmp_path: Path, gate: Path
) -> None:
    """While it runs: the same jobs, nothing is run again, and its results come there, too."""
    marks = tmp_path / "marks"
    study = client.sweep(marked(marks, gate), {"n": range(5)}, name=name)
    wait_until(lambda: len(runs(marks)) > 2)
    found = other.study(name)
    assert [job.id for job in found.jobs] == [job.id for job in study.jobs]
    assert f"study({name!r})" in look(found).dated_line
    gate.touch()
    assert found.wait(LIMIT_S).frame()["value"].tolist() == [0, 1, 4, 9, 16]
    again = other.sweep(marked(marks, gate), {"n": range(5)}, name=name)
    pd.testing.assert_frame_equal(again.frame(), study.wait(LIMIT_S).frame())
    assert runs(marks) == Counter(range(5))
    assert name in client.studies()


def test_a_study_grows_without_doing_again_what_is_there(
    client: taskkit.Client, other: taskkit.Client, name: str, tmp_path: Path
) -> None:
    """By `grow`, by the same call with more, and from two kernels; seeds and rows stay."""
    marks = tmp_path / "marks"
    square = marked(marks)
    study = client.sweep(square, {"n": [0, 1]}, name=name)
    first = study.wait(LIMIT_S).frame()
    study.grow({"n": [1.0, 2]})
    assert study.wait(LIMIT_S).frame()["n"].tolist() == [0, 1, 2]
    larger = other.sweep(square, {"n": [0, 1, 2, 3]}, name=name).wait(LIMIT_S)
    assert larger.frame()["n"].tolist() == [0, 1, 2, 3]
    grown = study.grow({"n": [5]}).wait(LIMIT_S).frame()  # it learns of the other's point
    assert grown["n"].tolist() == [0, 1, 2, 3, 5]
    assert runs(marks) == Counter([0, 1, 2, 3, 5])
    pd.testing.assert_frame_equal(grown[: len(first)], first)
    repeated = study.grow(repeats=2).wait(LIMIT_S).frame()
    assert repeated["repeat"].tolist() == [0] * 5 + [1] * 5
    assert runs(marks) == Counter(2 * [0, 1, 2, 3, 5])
    smaller = other.sweep(square, {"n": [0]}, name=name)
    assert len(smaller) == len(repeated)


def test_many_short_calls_share_jobs_that_another_kernel_takes_apart(
    client: taskkit.Client, other: taskkit.Client, name: str
) -> None:
    """500 rows in few jobs; found again, grown to 700 and a failure among them stays one."""

    def half(n: int) -> float:
        return 1 / (n - 250) if n != 250 else 1 // 0

    study = client.sweep(half, {"n": range(500)}, name=name).wait(LIMIT_S)
    assert len(study.jobs) < 250
    found = other.study(name)
    assert found.done()
    assert {job.id for job in found.jobs} <= {job.id for job in study.jobs}
    pd.testing.assert_frame_equal(found.frame(), study.frame())
    before = {job.id for job in found.jobs}
    grown = other.sweep(half, {"n": range(700)}, name=name).wait(LIMIT_S)
    assert before <= {job.id for job in grown.jobs}
    assert grown.frame()["n"].tolist() == list(range(700))
    assert grown.frame()["state"].value_counts().to_dict() == {"succeeded": 699, "failed": 1}


def test_a_failed_row_says_why_and_may_be_tried_again(
    client: taskkit.Client, other: taskkit.Client, name: str, tmp_path: Path
) -> None:
    """With its seed; those that succeeded are not called again. Another kernel sees the same."""
    mended, calls = tmp_path / "mended", tmp_path / "calls"

    def fit(n: int, seed: int) -> int:
        with calls.open("a") as lines:
            lines.write(f"{n}\n")
        if n == 1 and not mended.exists():
            raise ValueError(f"no fit for {n}")
        return seed

    study = client.sweep(fit, {"n": range(3)}, name=name).wait(LIMIT_S)
    frame = study.frame()
    assert frame["state"].tolist() == ["succeeded", "failed", "succeeded"]
    assert frame["error"][1] == "ValueError: no fit for 1"
    assert np.isnan(frame["value"][1])
    assert other.study(name).frame()["error"][1] == "ValueError: no fit for 1"
    mended.touch()
    assert study.retry() is study
    whole = study.wait(LIMIT_S).frame()
    assert whole["value"].tolist() == whole["seed"].tolist() == frame["seed"].tolist()
    assert sorted(calls.read_text().split()) == ["0", "1", "1", "2"]
    pd.testing.assert_frame_equal(other.study(name).frame(), whole)


def test_a_cancelled_study_stays_cancelled_until_somebody_wants_it(
    client: taskkit.Client, other: taskkit.Client, name: str, tmp_path: Path, gate: Path
) -> None:
    """Also where it was cancelled before all of it was sent; its panel has no more to wait for."""
    marks = tmp_path / "marks"
    study = client.sweep(marked(marks, gate), {"n": range(200)}, name=name)
    wait_until(lambda: len(runs(marks)) > 2)
    assert study.cancel() >= 190
    states = Counter(study.frame()["state"])
    assert states["cancelled"] + states["succeeded"] == 200
    assert study.done()
    found = other.study(name)
    assert Counter(found.frame()["state"]) == states
    assert look(found).is_final
    gate.touch()
    assert found.retry().wait(LIMIT_S).frame()["value"].tolist() == [n * n for n in range(200)]


def test_rows_that_were_not_sent_before_a_cancel_are_not_sent_by_who_looks(
    client: taskkit.Client, other: taskkit.Client, name: str, tmp_path: Path
) -> None:
    """They are cancelled, too, and a sweep or `retry` calls them."""
    marks = tmp_path / "marks"
    square = marked(marks)
    client.sweep(square, {"n": [0, 1]}, name=name).wait(LIMIT_S)
    archive = Archive(client._desk(), name)
    record = archive.newest(archive.look())
    assert record is not None
    growth = growth_of(space_of({"n": [2, 3]}), samples=None, repeats=1, root=0)
    assert archive.put(1, replace(record, growths=(*record.growths, growth), is_stopped=True))
    seen = other.study(name)
    assert seen.frame()["state"].tolist() == ["succeeded"] * 2 + ["cancelled"] * 2
    assert seen.done()
    assert seen.retry().wait(LIMIT_S).frame()["value"].tolist() == [0, 1, 4, 9]
    assert runs(marks) == Counter(range(4))
    assert client.study(name).frame()["state"].tolist() == ["succeeded"] * 4


def test_another_function_under_the_same_name_is_told_not_mixed_up(
    client: taskkit.Client, other: taskkit.Client, name: str
) -> None:
    """Unless that is wanted: what is there stays, or everything is called again."""
    client.sweep(lambda n: n + 1, {"n": [1, 2]}, name=name).wait(LIMIT_S)
    same = other.sweep(lambda n: n + 1, {"n": [1, 2]}, name=name)
    assert same.done()

    def changed(n: int) -> int:
        return n + 100

    with pytest.raises(StudyChanged, match="begun with another function"):
        other.sweep(changed, {"n": [1, 2, 3]}, name=name)
    with pytest.raises(StudyChanged, match="has the seed 0, not 1"):
        other.sweep(lambda n: n + 1, {"n": [1, 2]}, name=name, seed=1)
    kept = other.sweep(changed, {"n": [1, 2, 3]}, name=name, changed="keep").wait(LIMIT_S)
    frame = kept.frame()
    assert frame["value"].tolist() == [2, 3, 103]
    assert frame["code"].nunique() == 2
    assert frame["code"][0] == frame["code"][1] != frame["code"][2]
    assert client.study(name).frame()["value"].tolist() == [2, 3, 103]
    redone = other.sweep(changed, {"n": [1, 2, 3]}, name=name, changed="redo").wait(LIMIT_S)
    assert redone.frame()["value"].tolist() == [101, 102, 103]
    assert "code" not in redone.frame()
    assert client.study(name).frame()["value"].tolist() == [101, 102, 103]


def test_a_study_that_is_not_there_is_told_with_the_nearest_name(
    client: taskkit.Client, name: str
) -> None:
    """And looking for it begins none."""
    client.sweep(pow, {"base": [2], "exp": [3]}, name=f"{name} one").wait(LIMIT_S)
    with pytest.raises(StudyNotFound, match=f"there is '{name} one'"):
        client.study(f"{name} on")
    assert f"{name} on" not in client.studies()
    with pytest.raises(ValueError, match="name is a line"):
        client.sweep(pow, {"base": [2], "exp": [3]}, name="two\nlines")


def test_a_study_of_draws_grows_by_samples(
    client: taskkit.Client, other: taskkit.Client, name: str
) -> None:
    """The first draws stay; another kernel, which has no distributions, draws none anew."""

    def shifted(x: float, kind: str) -> float:
        return x + len(kind)

    space = {"x": stats.norm(), "kind": ["a", "bb"]}
    study = client.sweep(shifted, space, samples=10, seed=5, name=name).wait(LIMIT_S)
    first = study.frame()
    assert first["value"].tolist() == (first["x"] + first["kind"].str.len()).tolist()
    grown = other.study(name).grow(samples=25).wait(LIMIT_S).frame()
    assert len(grown) == 25
    pd.testing.assert_frame_equal(grown[:10], first)
    with pytest.raises(ValueError, match="x is drawn"):
        study.grow({"x": [1]})


def test_two_kernels_that_begin_the_same_study_begin_one(
    client: taskkit.Client, other: taskkit.Client, name: str, tmp_path: Path
) -> None:
    """Neither knows of the other: the ledger takes each record, and each call, once."""
    marks = tmp_path / "marks"
    studies = [one.sweep(marked(marks), {"n": range(8)}, name=name) for one in (client, other)]
    for study in studies:
        assert study.wait(LIMIT_S).frame()["value"].tolist() == [n * n for n in range(8)]
    assert runs(marks) == Counter(range(8))
    assert studies[0].jobs[0].id == studies[1].jobs[0].id


def test_the_same_cell_run_again_in_a_kernel_is_the_same_study(
    client: taskkit.Client, name: str, tmp_path: Path
) -> None:
    """Also while its rows are still being given to jobs: none of them is called twice."""
    marks = tmp_path / "marks"
    first = client.sweep(marked(marks), {"n": range(3000)}, name=name)
    again = client.sweep(marked(marks), {"n": range(3000)}, name=name)
    assert again is first
    larger = client.sweep(marked(marks), {"n": range(3100)}, name=name)
    assert larger is first
    assert client.study(name) is first
    assert larger.wait(LIMIT_S).frame()["value"].tolist() == [n * n for n in range(3100)]
    assert runs(marks) == Counter(range(3100))
    with pytest.raises(StudyChanged):
        client.sweep(lambda n: n, {"n": [1]}, name=name)
    redone = client.sweep(lambda n: -n, {"n": [1]}, name=name, changed="redo").wait(LIMIT_S)
    assert redone is not first
    assert redone.frame()["value"].tolist() == [-n for n in range(3100)]
    assert client.study(name) is redone
    with pytest.raises(StudyChanged, match="another kernel has given the study"):
        first.grow({"n": [-1]})


def test_results_that_are_large_are_brought_when_the_table_is_made(
    client: taskkit.Client, other: taskkit.Client, name: str
) -> None:
    """They are not in the list of jobs by which another kernel finds the study."""
    study = client.sweep(lambda n: np.full(20_000, n), {"n": range(6)}, name=name).wait(LIMIT_S)
    for one in (study, other.study(name)):
        values = one.frame()["value"]
        assert [int(value.sum()) for value in values] == [20_000 * n for n in range(6)]


def test_records_append_and_none_is_written_over(
    client: taskkit.Client, other: taskkit.Client, name: str
) -> None:
    """Whoever is second at a number is told so, and the first one's record stays."""
    client.sweep(pow, {"base": [2], "exp": [1]}, name=name).wait(LIMIT_S)
    mine, others = Archive(client._desk(), name), Archive(other._desk(), name)
    record = mine.newest(mine.look())
    assert record is not None
    stopped = replace(record, is_stopped=True)
    assert mine.put(1, stopped)
    assert mine.put(1, stopped)  # sent once more, as after an answer that was lost
    assert not others.put(1, record)
    newest = others.newest(others.look())
    assert newest is not None
    assert newest.is_stopped


def test_values_of_a_notebooks_own_classes_make_points(
    client: taskkit.Client, other: taskkit.Client, name: str
) -> None:
    """And functions: told apart by what they are, in every kernel alike."""

    def apply(function: Callable[[int], int], shape: tuple[int, int]) -> int:
        return function(sum(shape))

    space = {"function": [abs, lambda n: -n], "shape": [(1, 2), (3, 4)]}
    study = client.sweep(apply, space, name=name).wait(LIMIT_S)
    assert study.frame()["value"].tolist() == [3, 7, -3, -7]
    found = other.sweep(apply, {**space, "function": [abs, lambda n: -n]}, name=name)
    assert found.done()
    assert len(found) == 4


def test_a_study_outlives_a_killed_redis_and_its_server(name: str, tmp_path: Path) -> None:
    """What a worker had not begun is not lost; what it is stands in the ledger as any job does."""
    marks, gate = tmp_path / "marks", tmp_path / "gate"
    with taskkit.LocalStack(workers=2, open=True) as stack:
        client = stack.client()
        client.sweep(marked(marks, gate), {"n": range(6)}, name=name)
        wait_until(lambda: len(runs(marks)) == 4)
        client.close()
        before = stack.pids()
        for part in ("redis", "server"):
            os.kill(before[part], signal.SIGKILL)
        gate.touch()
        wait_until(lambda: is_up(stack))
        with stack.client() as client:
            study = client.study(name).wait(LIMIT_S)
            assert study.frame()["value"].tolist() == [n * n for n in range(6)]
            assert study.retry().frame()["state"].tolist() == ["succeeded"] * 6
    assert runs(marks) == Counter(range(6))


def test_a_kernel_without_the_function_shows_what_is_there(
    client: taskkit.Client, other: taskkit.Client, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its table; what needs the function says that it is not to be had."""
    study = client.sweep(lambda n: n, {"n": [1, 2]}, name=name).wait(LIMIT_S)
    archive = Archive(client._desk(), name)
    found = archive.look()
    record = archive.newest(found)
    assert record is not None
    assert archive.put(1, replace(record, function=b"?", is_stopped=True))
    seen = other.study(name)
    assert seen.frame()["value"].tolist() == [1, 2]
    with pytest.raises(taskkit.RequestError, match="cannot be had in this kernel"):
        seen.grow({"n": [3]})
    assert study.done()
    assert all(record.state is JobState.SUCCEEDED for record in seen.records())


@pytest.mark.parametrize("module", ["taskkit.studies.study", "taskkit.client.studied"])
def test_the_examples_of_sweeps_run(
    module: str, stack: taskkit.LocalStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they are written, against a stack."""
    monkeypatch.setenv("TASKKIT_URL", stack.url)
    monkeypatch.setenv("TASKKIT_TOKEN", stack.token)
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0
