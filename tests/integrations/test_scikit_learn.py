"""scikit-learn's `n_jobs` on the stack gives the same numbers as without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import joblib
import pytest

import taskkit
from taskkit.integrations import registration

np = pytest.importorskip("numpy")
pytest.importorskip("sklearn")

from sklearn.datasets import load_digits  # noqa: E402
from sklearn.ensemble import RandomForestClassifier, StackingClassifier  # noqa: E402
from sklearn.linear_model import RidgeClassifier  # noqa: E402
from sklearn.model_selection import GridSearchCV, cross_val_score  # noqa: E402
from sklearn.svm import SVC  # noqa: E402

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

registration.offer()

images, digits = load_digits(return_X_y=True)
IMAGES, DIGITS = images[:600], digits[:600]


@pytest.fixture
def on_the_stack(client: taskkit.Client) -> Iterator[taskkit.Client]:
    """All that runs in the test runs on the stack."""
    with joblib.parallel_config("taskkit", client=client):
        yield client


def forest(n_jobs: int | None = None) -> RandomForestClassifier:
    """Return a small forest."""
    return RandomForestClassifier(20, random_state=0, n_jobs=n_jobs)


def grid_search(n_jobs: int | None) -> Any:
    """Return the mean scores of nine pairs of parameters."""
    grid = {"C": [0.1, 1, 10], "gamma": [1e-4, 1e-3, 1e-2]}
    return (
        GridSearchCV(SVC(), grid, n_jobs=n_jobs).fit(IMAGES, DIGITS).cv_results_["mean_test_score"]
    )


def cross_validation(n_jobs: int | None) -> Any:
    """Return four scores of a forest that is parallel itself."""
    return cross_val_score(forest(n_jobs), IMAGES, DIGITS, cv=4, n_jobs=n_jobs)


def forest_alone(n_jobs: int | None) -> Any:
    """Return the probabilities of a forest, a tree a call."""
    return forest(n_jobs).fit(IMAGES, DIGITS).predict_proba(images[600:])


def stacking(n_jobs: int | None) -> Any:
    """Return what three levels of parallel calls come to."""
    parts = [("forest", forest(n_jobs)), ("ridge", RidgeClassifier())]
    model = StackingClassifier(parts, RidgeClassifier(), cv=3, n_jobs=n_jobs)
    return cross_val_score(model, IMAGES, DIGITS, cv=3, n_jobs=n_jobs)


@pytest.mark.parametrize(
    "compute", [grid_search, cross_validation, forest_alone, stacking], ids=lambda f: f.__name__
)
def test_the_numbers_are_those_of_one_process(
    compute: Callable[[int | None], Any], client: taskkit.Client
) -> None:
    """To the last bit, nested or not."""
    serial = compute(None)
    with joblib.parallel_config("taskkit", client=client):
        assert np.array_equal(compute(-1), serial)


def test_an_estimator_that_says_nothing_runs_on_the_stack(on_the_stack: taskkit.Client) -> None:
    """`n_jobs=None` asks the backend, and that is all processes."""
    forest().fit(IMAGES, DIGITS)
    assert on_the_stack.jobs(limit=1)[0].title == "_parallel_build_trees"


def test_a_model_that_cannot_be_fitted_says_why(on_the_stack: taskkit.Client) -> None:
    """The error of scikit-learn's own."""
    with pytest.raises(ValueError, match="All the 5 fits failed"):
        cross_val_score(SVC(C=-1), IMAGES, DIGITS, n_jobs=-1)
