"""Where the code of a notebook is wrong, nbval says so, in a cell that compares a result."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from slips import SLIPS, Check, Slip, code_cells, first_failure, rewritten, source
from tidy import CHECKED, NOTEBOOKS, dump, load

if TYPE_CHECKING:
    from conftest import Nbval

BY_NAME = {path.stem: path for path in NOTEBOOKS}


@pytest.mark.stack
@pytest.mark.timeout(300)
@pytest.mark.parametrize("slip", SLIPS, ids=str)
def test_nbval_fails_where_the_code_computes_something_else(
    slip: Slip, nbval: Nbval, tmp_path: Path
) -> None:
    """The first cell that fails is the one that has the check, and it is this check that fails."""
    notebook = rewritten(load(BY_NAME[slip.notebook]), slip.fragment, slip.replacement)
    shutil.copytree(NOTEBOOKS[0].parent / "studies", tmp_path / "studies")
    path = tmp_path / f"{slip.notebook}.ipynb"
    path.write_text(dump(notebook))
    run = nbval(path, "-x")
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, run.stdout
    assert first_failure(run.stdout, notebook) == (slip.cell, slip.check.value), run.stdout


@pytest.mark.stack
@pytest.mark.timeout(300)
def test_nbval_passes_where_the_code_says_the_same_in_other_words(
    nbval: Nbval, tmp_path: Path
) -> None:
    """A comment, spaces and the name of a local make no slip: the test above can tell."""
    notebook = load(BY_NAME["07-monte-carlo"])
    block = "ends, others = generator.random((2, pairs, 3))\n"
    norm = "np.linalg.norm(ends - others, axis=1)"
    notebook = rewritten(notebook, block, f"# two points\n    {block.replace('others', 'tails')}")
    notebook = rewritten(notebook, norm, "np.linalg.norm(ends  -  tails, axis = 1)")
    path = tmp_path / "same.ipynb"
    path.write_text(dump(notebook))
    run = nbval(path, "-x")
    assert run.returncode == pytest.ExitCode.OK, run.stdout


def test_each_notebook_has_a_slip() -> None:
    """None is left out."""
    assert {slip.notebook for slip in SLIPS} == set(BY_NAME)


@pytest.mark.parametrize("slip", SLIPS, ids=str)
def test_each_slip_is_for_its_notebook_as_it_is_today(slip: Slip) -> None:
    """The fragment is there once, and the cell that must notice has the check."""
    notebook = rewritten(load(BY_NAME[slip.notebook]), slip.fragment, slip.replacement)
    [noticing] = [cell for cell in code_cells(notebook) if cell["id"] == slip.cell]
    match slip.check:
        case Check.OUTPUT:
            assert CHECKED in noticing["metadata"]["tags"]
        case Check.ASSERTION:
            assert "\nassert " in source(noticing)


@pytest.mark.parametrize(("fragment", "count"), [("a - b", 0), ("a + b", 2)])
def test_a_fragment_that_is_not_there_once_is_refused(fragment: str, count: int) -> None:
    """It would change nothing, or more than was meant; what only a text says does not count."""
    texts = {"markdown": "a - b", "code": "c = a + b\nd = a + b\ne = 1"}
    cells = [{"cell_type": kind, "source": [text]} for kind, text in texts.items()]
    notebook = {"cells": cells}
    with pytest.raises(LookupError, match=f"found {count} times"):
        rewritten(notebook, fragment, "a * b")
    assert source(rewritten(notebook, "e = 1", "e = 2")["cells"][1]).endswith("e = 2")
    assert source(notebook["cells"][1]).endswith("e = 1")


REPORT = """\
\x1b[91mNotebook cell execution failed\x1b[0m
\x1b[94mCell 1: Cell execution caused an exception

Input:
\x1b[0mhalf = 2
undefined / half

\x1b[94mTraceback:\x1b[0m

\x1b[31mNameError\x1b[39m                                 Traceback (most recent call last)
\x1b[32m----> \x1b[39m\x1b[32m2\x1b[39m undefined / half

\x1b[31mNameError\x1b[39m: name 'undefined' is not defined
=========================== short test summary info ============================
"""
"""What nbval 0.11.0 says of a cell that raises."""


@pytest.mark.parametrize("how", ["NameError", "AssertionError"])
def test_an_assertion_is_told_from_other_exceptions(how: str) -> None:
    """A slip that only breaks the code is none."""
    cells = [{"cell_type": "code", "id": name} for name in ("import", "divide")]
    cell, failed = first_failure(REPORT.replace("NameError", how), {"cells": cells})
    assert cell == "divide"
    assert failed.endswith(f": {how}")
    assert (failed == Check.ASSERTION.value) == (how == "AssertionError")


def test_a_report_without_a_failure_is_refused() -> None:
    """Nothing is taken for a cell that noticed."""
    with pytest.raises(LookupError, match="no cell failed"):
        first_failure("8 passed in 5.31s", {"cells": []})
