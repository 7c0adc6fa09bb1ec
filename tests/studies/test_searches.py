"""Searches by Optuna on a real stack, in a storage of memory or a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from waiting import wait_until

import taskkit
from taskkit.protocol.errors import StudyChanged
from taskkit.studies.trials import MARK, Trials

LIMIT_S = 60

SPACE = {"x": FloatDistribution(-5, 5), "y": IntDistribution(0, 4)}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Optuna says nothing of each study that is made."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def bowl(x: float, y: int) -> float:
    """Return what is least at (1, 2)."""
    return (x - 1) ** 2 + (y - 2) ** 2


stacked = pytest.mark.stack


@stacked
def test_a_search_is_a_table_of_its_trials(client: taskkit.Client) -> None:
    """The study knows the same; parallel trials are bounded."""
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=1))
    search = client.optimize(bowl, study, SPACE, trials=25, parallel=3)
    frame = search.wait(LIMIT_S).frame()
    assert list(frame.columns) == [
        *("x", "y", "trial", "seed", "state", "value", "took_s", "error")
    ]
    assert frame["trial"].tolist() == list(range(25)) == [trial.number for trial in study.trials]
    assert frame["value"].tolist() == [trial.value for trial in study.trials]
    assert study.best_value == frame["value"].min()
    assert all(trial.user_attrs[MARK] == study.user_attrs[MARK] for trial in study.trials)


@stacked
def test_no_more_trials_are_under_way_than_were_allowed(
    client: taskkit.Client, tmp_path: Path, gate: Path
) -> None:
    """The next one is asked for when one has ended; cancelling asks for no more."""
    marks = tmp_path / "marks"

    def held(x: float, y: int) -> float:
        import time

        with marks.open("a") as lines:
            lines.write("began\n")
        while not gate.exists():
            time.sleep(0.02)
        return x

    study = optuna.create_study()
    search = client.optimize(held, study, SPACE, trials=10, parallel=2)
    wait_until(lambda: marks.exists() and len(marks.read_text().split()) == 2)
    assert len(study.trials) == 2
    assert not search.done()
    assert search.cancel() == 10
    assert [trial.state.name for trial in study.trials] == ["FAIL", "FAIL"]
    gate.touch()
    assert search.grow(12).wait(LIMIT_S).frame()["state"].value_counts()["succeeded"] == 10


@stacked
def test_told_in_order_a_search_is_the_same_on_any_number_of_workers(
    client: taskkit.Client,
) -> None:
    """Though the first trials of each pair take longest, so that they end last."""

    def uneven(x: float, y: int, seed: int) -> float:
        import time

        time.sleep(0.05 if seed % 2 else 0.0)
        return (x - 1) ** 2 + y + seed / 2**40

    def values(client: taskkit.Client) -> list[float]:
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=3))
        client.optimize(uneven, study, SPACE, trials=16, parallel=4, is_in_order=True).wait(LIMIT_S)
        return [trial.value for trial in study.trials]

    with taskkit.LocalStack(workers=1, open=True) as alone, alone.client() as elsewhere:
        there = values(elsewhere)
    assert values(client) == there


@stacked
def test_a_failed_a_pruned_and_a_nan_trial_are_told_as_such(client: taskkit.Client) -> None:
    """With the reason in the trial and in the row; the others go on. They may be tried again."""

    def fragile(x: float, y: int) -> Any:
        import optuna

        if y == 0:
            raise ValueError("no")
        if y == 1:
            raise optuna.TrialPruned
        return float("nan") if y == 2 else {"loss": x, "parts": [y, 1], "model": object}

    study = optuna.create_study()
    for y in range(4):
        study.enqueue_trial({"y": y})
    space = {"x": [0.5], "y": IntDistribution(0, 3)}
    search = client.optimize(fragile, study, space, trials=4, parallel=1, value="loss")
    frame = search.wait(LIMIT_S).frame().set_index("y").sort_index()
    told = {trial.params["y"]: trial for trial in study.trials}
    assert [told[y].state.name for y in range(4)] == ["FAIL", "PRUNED", "FAIL", "COMPLETE"]
    assert frame["error"][0] == told[0].user_attrs["taskkit_error"] == "ValueError: no"
    assert told[2].user_attrs["taskkit_error"] == "ValueError: the value is NaN"
    assert told[3].value == frame["loss"][3] == 0.5
    assert told[3].user_attrs["parts"] == [3, 1]
    assert "model" not in told[3].user_attrs  # Optuna's storages take what is JSON
    again = search.retry().wait(LIMIT_S)
    assert len(again) == 6
    assert [trial.params["y"] for trial in study.trials] == [0, 1, 2, 3, 0, 1]


@stacked
def test_several_objectives_are_told_by_their_names_or_places(client: taskkit.Client) -> None:
    """As Optuna has them."""
    for result, value in ((lambda x: {"cost": x, "gain": -x}, ["cost", "gain"]), (None, "value")):
        function = result or (lambda x: (x, -x))
        study = optuna.create_study(directions=["minimize", "maximize"])
        client.optimize(function, study, {"x": [1, 2, 3]}, trials=5, value=value).wait(LIMIT_S)
        assert all(
            trial.values == [trial.params["x"], -trial.params["x"]] for trial in study.trials
        )


@stacked
def test_a_grid_sampler_that_has_no_more_ends_the_search(
    client: taskkit.Client, tmp_path: Path
) -> None:
    """It says so by `Study.stop`, which Optuna allows within `optimize` only."""
    mended = tmp_path / "mended"
    grid: dict[str, list[Any]] = {"x": [0.0, 1.0], "y": [0, 1, 2]}
    study = optuna.create_study(sampler=optuna.samplers.GridSampler(grid, seed=1))

    def once(x: float, y: int, seed: int) -> float:
        if (x, y) == (1.0, 2) and not mended.exists():
            raise ValueError("not yet")
        return bowl(x, y)

    search = client.optimize(once, study, SPACE, trials=50, parallel=2).wait(LIMIT_S)
    points = {(trial.params["x"], trial.params["y"]) for trial in study.trials}
    assert points == {(x, y) for x in grid["x"] for y in grid["y"]}
    count = len(study.trials)
    assert count < 10
    assert search.done()
    mended.touch()
    search.retry().wait(LIMIT_S)  # what is enqueued is asked for still
    assert any(trial.value == bowl(1.0, 2) for trial in study.trials[count:])


@stacked
def test_a_search_in_a_file_goes_on_and_is_refused_another_function(
    client: taskkit.Client, tmp_path: Path, name: str
) -> None:
    """What was told is there, and only what is missing is called; trials of others are not ours."""
    marks = tmp_path / "marks"

    def load() -> optuna.Study:
        storage = JournalStorage(JournalFileBackend(str(tmp_path / "journal")))
        return optuna.create_study(storage=storage, study_name=name, load_if_exists=True)

    def counted(x: float, y: int) -> dict[str, float]:
        with marks.open("a") as lines:
            lines.write("called\n")
        return {"value": x + y, "twice": 2 * x}

    theirs = load().ask(SPACE)  # of another program, which is at it now
    first = client.optimize(counted, load(), SPACE, trials=5).wait(LIMIT_S).frame()
    study = load()
    search = client.optimize(counted, study, SPACE, trials=8).wait(LIMIT_S)
    frame = search.frame()
    assert len(marks.read_text().split()) == 8
    told = ["x", "y", "trial", "seed", "value", "twice"]
    assert frame[told][:5].equals(first[told])
    assert {trial.number: trial.state.name for trial in study.trials}[theirs.number] == "RUNNING"
    with pytest.raises(StudyChanged, match="begun with another function"):
        client.optimize(bowl, load(), SPACE, trials=9)
    kept = client.optimize(bowl, load(), SPACE, trials=9, changed="keep").wait(LIMIT_S)
    assert len(kept.frame()) == 9


@stacked
def test_what_optuna_raises_is_raised_by_wait(client: taskkit.Client) -> None:
    """And nothing waits for trials that will not be asked for."""

    class Broken(optuna.samplers.RandomSampler):
        def sample_independent(self, *args: Any, **kwargs: Any) -> Any:
            raise OSError("the sampler's model is gone")

    study = optuna.create_study(sampler=Broken())
    search = client.optimize(bowl, study, SPACE, trials=3)
    with pytest.raises(OSError, match="model is gone"):
        search.wait(LIMIT_S)
    assert search.done()


def test_a_trial_is_ours_from_its_first_moment_on() -> None:
    """What a user has enqueued comes first and is ours then; what was half asked is given up."""
    study = optuna.create_study()
    study.enqueue_trial({"x": 3.0})
    trials = Trials(study, {"x": FloatDistribution(0, 5), "kind": ["a", "b"]}, ["value"])
    asked = trials.ask()
    assert asked.params["x"] == 3.0
    assert study.trials[0].user_attrs[MARK] == trials.mark
    half = optuna.trial.create_trial(
        state=optuna.trial.TrialState.RUNNING,
        params={"x": 1.0},
        distributions={"x": FloatDistribution(0, 5)},
        user_attrs={MARK: trials.mark},
    )
    study.add_trial(half)
    again = Trials(study, {"x": FloatDistribution(0, 5), "kind": ["a", "b"]}, ["value"])
    assert again.mark == trials.mark
    assert [trial.number for trial in again.ours()] == [0]
    assert study.trials[1].state.name == "FAIL"
    again.tell(asked, 2.5)
    trials.tell(asked, 99.0)  # another kernel was first
    assert study.trials[0].value == 2.5
    assert [trial.is_finished for trial in again.ours()] == [True]


@pytest.mark.parametrize("given", [3, "ab", None])
def test_a_parameter_that_is_no_distribution_is_refused(given: Any) -> None:
    """Lists are choices."""
    with pytest.raises(TypeError, match="has a distribution of Optuna's or a list"):
        Trials(optuna.create_study(), {"x": given}, ["value"])
    trials = Trials(optuna.create_study(), {"x": [1, 2]}, ["value"])
    assert trials._space == {"x": CategoricalDistribution([1, 2])}
