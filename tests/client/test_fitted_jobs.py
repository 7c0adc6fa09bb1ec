"""What a job says of its environment, and what its user is told, whoever is there."""

from __future__ import annotations

import pickle
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd
import pytest

from taskkit.client.environments import KEPT_S, Environments, Said
from taskkit.client.misfit import EnvironmentWarning, series
from taskkit.client.used import Looks, Used
from taskkit.protocol.errors import Unavailable
from taskkit.protocol.options import JobOptions
from taskkit.protocol.workers import WorkerInfo
from taskkit.travel.functions import pickle_arguments, pickle_function

MINOR = "{}.{}".format(*sys.version_info[:2])
NUMPY, PANDAS = version("numpy"), version("pandas")
SAME = {"numpy": NUMPY, "pandas": PANDAS}
OLD = {"numpy": "0.9.1"}


class Place:
    """Some workers, and a client of them whose clock is told."""

    def __init__(self, *workers: WorkerInfo, **packages: Mapping[str, str]) -> None:
        self.workers: Sequence[WorkerInfo] = workers
        self.packages = packages
        self.now = 0.0
        self.asked = 0
        self.behind: list[Callable[[], None]] = []
        self.environments = Environments(
            self._ask, behind=self.behind.append, clock=lambda: self.now
        )

    def _ask(self) -> tuple[Sequence[WorkerInfo], Mapping[str, Mapping[str, str]]]:
        self.asked += 1
        return self.workers, self.packages

    def submit(self, function: Callable[..., Any], *args: Any, **options: Any) -> Said:
        """Return what a job of the function says."""
        return self.environments.fitted(JobOptions(**options), looks_at(function, *args), "fit")


def looks_at(function: Callable[..., Any], *args: Any) -> Looks:
    """Return a call as a client sees it."""
    function.__module__ = "__main__"
    pickled, payload = pickle_function(function)[0], pickle_arguments(args, {})[0]
    return Looks(str(hash(pickled)), pickled, args, {}, payload)


def worker(environment: str, python: str = f"{MINOR}.1", **facts: Any) -> WorkerInfo:
    """Return a worker."""
    named = {"name": environment, "host": "lab", "pid": 1, "processes": 2, "cores": 2}
    return WorkerInfo(**{**named, "python": python, "environment": environment, **facts})


def with_numpy() -> Any:
    """Use numpy."""
    return np.zeros(1)


def plain(value: Any = None) -> Any:
    """Use nothing."""
    return value


def silent(place: Place, function: Callable[..., Any], *args: Any, **options: Any) -> Said:
    """Submit what must not be warned of."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return place.submit(function, *args, **options)


def test_where_all_workers_fit_a_job_says_nothing() -> None:
    """Only its function says, to those who come later, what it needs."""
    options, stamp = silent(Place(worker("same"), same=SAME), with_numpy)
    assert options.python == ""
    assert options.packages == {}
    assert stamp == {"numpy": series(NUMPY)}


def test_where_some_workers_fit_a_job_goes_to_those_without_a_word() -> None:
    """It says which they are; what its function does not use may be as it likes."""
    place = Place(worker("old"), worker("same"), old=OLD, same=SAME)
    options, _ = silent(place, with_numpy)
    assert (options.python, options.packages) == (MINOR, {"numpy": series(NUMPY)})
    assert silent(place, plain)[0] == JobOptions()


def test_where_none_fits_it_is_told_once_for_each_function_and_difference() -> None:
    """In words that say what is where, and how to mend it."""
    place = Place(worker("old"), old=OLD)
    with pytest.warns(EnvironmentWarning) as told:
        options, _ = place.submit(with_numpy)
    assert options.packages == {"numpy": series(NUMPY)}
    words = str(told[0].message)
    assert (
        f"your kernel has numpy {NUMPY}; the live worker of queue 'default' has numpy 0.9.1:"
        in (words)
    )
    assert "fit waits for a worker that fits" in words
    assert f'python -m pip install "numpy=={NUMPY}"' in words
    assert "any_environment=True" in words
    assert told[0].filename == __file__
    assert silent(place, with_numpy)[0].python == MINOR
    place.packages = {"old": {}}
    place.now += KEPT_S + 1
    silent(place, with_numpy)
    place.behind.pop()()
    with pytest.warns(EnvironmentWarning, match="has no numpy"):
        place.submit(with_numpy)


def test_another_python_is_a_difference_for_every_function() -> None:
    """Code by value does not cross minor versions."""
    place = Place(worker("a", "3.9.2"), worker("b", "3.9.9"), a=SAME, b=SAME)
    with pytest.warns(EnvironmentWarning) as told:
        options, _ = place.submit(plain)
    assert options.python == MINOR
    words = str(told[0].message)
    assert f"has Python {MINOR}; the 2 live workers of queue 'default' have Python 3.9:" in words
    assert f"start `taskkit worker` in an environment with Python {MINOR}" in words


def test_a_conda_kernel_is_told_of_conda(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Its environment is one file to be taken along."""
    prefix = tmp_path_factory.mktemp("conda")
    (prefix / "conda-meta").mkdir()
    monkeypatch.setattr(sys, "prefix", str(prefix))
    with pytest.warns(EnvironmentWarning, match="conda env export"):
        Place(worker("old"), old=OLD).submit(with_numpy)


def test_a_table_among_the_arguments_needs_pandas() -> None:
    """Though the function does not name it; also within a list, and told only where it is."""
    place = Place(worker("bare"), bare={"numpy": NUMPY})
    silent(place, plain, 1)
    for args in (pd.DataFrame({"a": [1]}), [pd.Series([1])], {"x": pd.Series([1])}):
        with pytest.warns(EnvironmentWarning, match="no pandas"):
            options, _ = Place(worker("bare"), bare={"numpy": NUMPY}).submit(plain, args)
        assert options.packages["pandas"] == series(PANDAS)
    assert silent(place, plain, [1, "two", None])[0] == JobOptions()


def test_what_the_user_says_of_packages_counts() -> None:
    """Pinned closer, or left open; nothing is told where that fits."""
    place = Place(worker("old"), worker("same"), old=OLD, same=SAME)
    assert silent(place, with_numpy, packages={"numpy": ""})[0].packages == {"numpy": ""}
    options, _ = silent(place, with_numpy, packages={"numpy": f"=={NUMPY}"})
    assert options.packages == {"numpy": f"=={NUMPY}"}
    looks = looks_at(with_numpy)
    free, stamp = Place(worker("old"), old=OLD).environments.by_python_alone(
        JobOptions(), looks, "fit"
    )
    assert (free, stamp) == (JobOptions(), {})


def test_other_queues_are_no_concern() -> None:
    """Only workers that serve the job's queue, with its tags, are looked at."""
    place = Place(worker("old", queues=("gpu",)), worker("same"), old=OLD, same=SAME)
    assert silent(place, with_numpy)[0] == JobOptions()
    with pytest.warns(EnvironmentWarning, match="queue 'gpu'"):
        place.submit(with_numpy, queue="gpu")


def test_nobody_there_and_older_workers_say_nothing() -> None:
    """What cannot be known is no difference; a server that cannot say is waited for elsewhere."""
    assert silent(Place(), with_numpy)[0] == JobOptions()
    assert silent(Place(worker("", "3.9.1", cores=None)), with_numpy)[0] == JobOptions()

    def away() -> Any:
        raise Unavailable("gone")

    environments = Environments(away, behind=lambda call: call())
    assert environments.fitted(JobOptions(), looks_at(with_numpy), "fit")[0] == JobOptions()


def test_workers_are_asked_for_behind_the_submissions() -> None:
    """Once at first, and then now and then, when something is submitted, and not in its thread."""
    place = Place(worker("same"), same=SAME)
    for _ in range(100):
        silent(place, with_numpy)
    assert (place.asked, place.behind) == (1, [])
    place.workers, place.packages = [worker("old")], {"old": OLD}
    place.now += KEPT_S + 1
    silent(place, with_numpy)
    silent(place, with_numpy)
    assert (place.asked, len(place.behind)) == (1, 1)
    place.behind.pop()()
    with pytest.warns(EnvironmentWarning):
        place.submit(with_numpy)


def test_a_file_of_this_machine_is_told_where_workers_are_elsewhere(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It belongs to no package and does not travel, being imported in the function's body."""
    (tmp_path / "mylab_here.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))

    def use() -> Any:
        import mylab_here

        return mylab_here

    with pytest.warns(EnvironmentWarning, match="Import it in the notebook, outside") as told:
        options, _ = Place(worker("same"), same=SAME).submit(use)
    assert f"fit imports mylab_here ({tmp_path}/mylab_here.py)" in str(told[0].message)
    assert options == JobOptions()


def test_a_function_and_a_kind_of_arguments_are_looked_at_once() -> None:
    """What was seen before costs no reading of its pickle: that may be anything then."""
    used = Used()
    first = looks_at(with_numpy, pd.Series([1]))
    found = used.modules(first)
    assert {"numpy", "pandas"} <= {module.partition(".")[0] for module in found}
    unread = pickle.dumps(None)
    assert used.modules(first._replace(pickle=unread, payload=unread)) == found
    # Of what is the notebook's own, another one may hold anything.
    other = looks_at(with_numpy, plain)
    assert "taskkit" in str(used.modules(other._replace(payload=pickle_arguments((Used,), {})[0])))
