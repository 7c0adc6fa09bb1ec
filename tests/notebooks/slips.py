"""Slips that a scientist may make in a notebook's code, and the cell that must notice each.

Each leaves code that runs and computes something else. With every slip stands the cell of the first
check that sees it: an output that is compared with the stored one, or an assertion on a number.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Check(Enum):
    """What a cell has that can tell a wrong result; the value is what nbval's report says of it."""

    OUTPUT = "Cell outputs differ"
    ASSERTION = "Cell execution caused an exception: AssertionError"


@dataclass(frozen=True)
class Slip:
    """A fragment of a notebook's code, what is written in its place, and what must notice."""

    notebook: str
    what: str
    fragment: str
    replacement: str
    cell: str
    check: Check

    def __str__(self) -> str:
        return f"{self.notebook}: {self.what}"


SLIPS = [
    Slip(
        "01-quickstart",
        "tested on what it learned from",
        "model.score(images[test], digits[test])",
        "model.score(images[learn], digits[learn])",
        cell="result",
        check=Check.OUTPUT,
    ),
    Slip(
        "02-named-tasks",
        "the modulus of the elliptic integral in the place of its square",
        "ellipk(k**2)",
        "ellipk(k)",
        cell="exact",
        check=Check.OUTPUT,
    ),
    Slip(
        "02-named-tasks",
        "inverse temperatures in the place of temperatures",
        "sizes, temperatures, sweeps)",
        "sizes, [1 / temperature for temperature in temperatures], sweeps)",
        cell="check",
        check=Check.ASSERTION,
    ),
    Slip(
        "03-libraries",
        "one point too many",
        "np.linspace(1, 2, n))) for n",
        "np.linspace(1, 2, n + 1)[:n])) for n",
        cell="joblib",
        check=Check.OUTPUT,
    ),
    Slip(
        "03-libraries",
        "chi squared in the place of its half",
        "-0.5 * misfit(parameters)",
        "-1.0 * misfit(parameters)",
        cell="emcee",
        check=Check.ASSERTION,
    ),
    Slip(
        "04-sweep",
        "orbits followed before they have settled",
        "for _ in range(before):",
        "for _ in range(0):",
        cell="check",
        check=Check.ASSERTION,
    ),
    Slip(
        "04-sweep",
        "intervals wider than their axis says",
        "(300 * x)",
        "(299 * x)",
        cell="check",
        check=Check.ASSERTION,
    ),
    Slip(
        "05-cancel-retry-limits",
        "two digits of a measurement swapped",
        "149, 149, 191",
        "149, 149, 119",
        cell="retried",
        check=Check.OUTPUT,
    ),
    Slip(
        "06-big-arrays",
        "turned the other way",
        "ndimage.rotate(image, -degrees,",
        "ndimage.rotate(image, degrees,",
        cell="check",
        check=Check.ASSERTION,
    ),
    Slip(
        "07-monte-carlo",
        "the same seed for all blocks",
        "np.random.default_rng(seed)",
        "np.random.default_rng(0)",
        cell="answer",
        check=Check.OUTPUT,
    ),
    Slip(
        "07-monte-carlo",
        "the errors of a fit's sum, not of its mean",
        "np.sqrt(np.cumsum(errors**2)) / blocks",
        "np.sqrt(np.cumsum(errors**2) / blocks)",
        cell="check",
        check=Check.ASSERTION,
    ),
    Slip(
        "08-image-tiles",
        "a margin for the search, and none for the surroundings",
        "margin = reach + around",
        "margin = reach",
        cell="check",
        check=Check.ASSERTION,
    ),
    Slip(
        "09-live-curves",
        "a potential twice as steep",
        "x**2 / 2 * psi",
        "x**2 * psi",
        cell="check",
        check=Check.ASSERTION,
    ),
    Slip(
        "10-kernel-restart",
        "divisors up to the root, without the root",
        "range(2, int(n**0.5) + 1)",
        "range(2, int(n**0.5))",
        cell="count",
        check=Check.OUTPUT,
    ),
    Slip(
        "11-notebook-jobs",
        "a parameter that the study does not have",
        '{"r": r}) for r',
        '{"rate": r}) for r',
        cell="check",
        check=Check.ASSERTION,
    ),
    Slip(
        "12-studies",
        "a share of closed sites in the place of open ones",
        "rng.random((size, size)) < p",
        "rng.random((size, size)) > p",
        cell="table",
        check=Check.OUTPUT,
    ),
    Slip(
        "12-studies",
        "the energy in the place of the speed",
        "np.sqrt(2 * 9.81 * depths)",
        "2 * 9.81 * depths",
        cell="best",
        check=Check.ASSERTION,
    ),
]


def rewritten(notebook: dict[str, Any], fragment: str, replacement: str) -> dict[str, Any]:
    """Return the notebook with another fragment of code in the place of this one.

    Raises:
        LookupError: The code does not have the fragment exactly once.
    """
    changed = copy.deepcopy(notebook)
    cells = code_cells(changed)
    count = sum(source(cell).count(fragment) for cell in cells)
    if count != 1:
        raise LookupError(f"found {count} times in the notebook, not once: {fragment!r}")
    for cell in cells:
        cell["source"] = [source(cell).replace(fragment, replacement)]
    return changed


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the cells that nbval runs, which it counts from 0."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source(cell: dict[str, Any]) -> str:
    """Return a cell's text."""
    return "".join(cell["source"])


def first_failure(report: str, notebook: dict[str, Any]) -> tuple[str, str]:
    """Return the id of the cell that nbval's report says failed first, and how it failed.

    Raises:
        LookupError: No cell did.
    """
    plain = re.sub(r"\x1b\[[\d;]*m", "", report)
    failed = re.search(r"^Cell (\d+): (.+)$", plain, re.MULTILINE)
    if failed is None:
        raise LookupError(f"no cell failed:\n{plain}")
    how = failed[2]
    if how != Check.OUTPUT.value:
        # The traceback ends with the exception, at the beginning of a line.
        raised = re.findall(r"^([A-Z]\w+)(?:: |$)", plain[failed.end() :], re.MULTILINE)
        how = f"{how}: {raised[-1] if raised else 'unknown'}"
    return code_cells(notebook)[int(failed[1])]["id"], how
