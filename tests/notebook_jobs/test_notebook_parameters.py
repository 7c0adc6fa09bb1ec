"""Parameters are put into a notebook as papermill does it."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from notebook_nodes import cell, notebook, sources

from taskkit.notebooks.parameters import code_of, with_parameters
from taskkit.protocol.errors import InvalidArguments, InvalidRequest

DEFAULTS = cell("alpha = 1.0\nsteps: int = 10", "parameters")


def test_they_are_set_after_the_cell_with_the_defaults() -> None:
    """In a cell of its own, tagged, and noted in the notebook's metadata."""
    node = notebook("import lab", DEFAULTS, "fit(alpha)")
    assert with_parameters(node, {"alpha": 0.1}, "study.ipynb") == []
    assert sources(node)[2:] == ["# Parameters\nalpha = 0.1", "fit(alpha)"]
    assert node["cells"][2]["metadata"]["tags"] == ["injected-parameters"]
    assert node["metadata"]["papermill"]["parameters"] == {"alpha": 0.1}
    nbformat.validate(nbformat.from_dict(node))


def test_those_of_an_earlier_run_are_replaced() -> None:
    """An executed notebook can be executed again with others."""
    node = notebook(DEFAULTS, cell("# Parameters\nalpha = 7", "injected-parameters"), "alpha")
    with_parameters(node, {"steps": 3}, "study.ipynb")
    assert sources(node) == [DEFAULTS["source"], "# Parameters\nsteps = 3", "alpha"]


def test_without_parameters_no_cell_is_added() -> None:
    """Its defaults hold."""
    node = notebook(DEFAULTS, "alpha")
    assert with_parameters(node, {}, "study.ipynb") == []
    assert len(node["cells"]) == 2


def test_ids_of_cells_stay_apart() -> None:
    """Also where the notebook has one of the very name."""
    node = notebook(DEFAULTS, "alpha")
    node["cells"][1]["id"] = "injected-parameters"
    with_parameters(node, {"alpha": 2}, "study.ipynb")
    ids = [one["id"] for one in node["cells"]]
    assert len(set(ids)) == len(ids)
    before = notebook(DEFAULTS, nbformat_minor=4)
    with_parameters(before, {"alpha": 2}, "study.ipynb")
    assert "id" not in before["cells"][1]


def test_a_parameter_that_is_not_there_is_told() -> None:
    """It is set all the same; it is a slip more often than not."""
    [told] = with_parameters(notebook(DEFAULTS), {"alhpa": 2, "alpha": 1}, "study.ipynb")
    assert told == "study.ipynb has no parameter 'alhpa'; it has alpha, steps"


def test_that_no_cell_has_the_tag_is_told() -> None:
    """They are set first then, and a cell of the notebook's may set them again."""
    node = notebook("alpha = 1", "alpha")
    [told] = with_parameters(node, {"alpha": 2}, "study.ipynb")
    assert "no cell with the tag 'parameters'" in told
    assert sources(node)[0] == "# Parameters\nalpha = 2"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"a": np.arange(3)}, "'a' is a ndarray, which cannot be written into a cell"),
        ({"a": [{"b": Decimal(1)}]}, "'a' is a Decimal"),
        ({"a": object()}, "'a' is a object"),
        ({"a b": 1}, "'a b' is no name in Python"),
        ({"class": 1}, "'class' is no name"),
        ({"x": 1, "b c": 2, "a": {1, 2}}, "'b c' is no name in Python; 'a' is a set"),
    ],
)
def test_what_cannot_be_written_down_is_named(parameters: Any, words: str) -> None:
    """All of it at once."""
    with pytest.raises(InvalidArguments, match=words):
        code_of(parameters)


def test_other_languages_have_no_parameters_here() -> None:
    """They are run as they are."""
    node = notebook("x <- 1")
    node["metadata"]["kernelspec"] = {"name": "ir", "language": "R"}
    assert with_parameters(node, {}, "study.ipynb") == []
    with pytest.raises(InvalidRequest, match=r"study\.ipynb is in r"):
        with_parameters(node, {"x": 2}, "study.ipynb")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES)
def test_a_cell_sets_what_was_given(value: Any) -> None:
    """Whatever quotes, lines and signs are in it."""
    names: dict[str, Any] = {}
    exec(code_of({"value": value}), names)
    assert names["value"] == value
    assert type(names["value"]) is type(value)


def test_numbers_of_numpy_and_paths_are_plain_ones() -> None:
    """A sweep's values come from `linspace`; metadata hold what browsers read."""
    given = {"a": np.float64(0.5), "n": np.int32(3), "is_on": np.bool_(1), "at": Path("/data/x")}
    names: dict[str, Any] = {}
    exec(code_of({**given, "inf": math.inf, "nan": math.nan}), names)
    assert (names["a"], names["n"], names["is_on"], names["at"]) == (0.5, 3, True, "/data/x")
    assert names["inf"] == math.inf
    assert math.isnan(names["nan"])
    node = notebook(DEFAULTS)
    with_parameters(node, {**given, "nan": math.nan}, "study.ipynb")
    assert node["metadata"]["papermill"]["parameters"] == {
        "a": 0.5,
        "n": 3,
        "is_on": True,
        "at": "/data/x",
        "nan": "nan",
    }
