"""The tutorial notebooks run, print what they printed before, and are fit to be committed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tidy import (
    CHECKED,
    METADATA,
    NOTEBOOKS,
    dump,
    is_final,
    load,
    panel_line,
    problems,
    tidy,
)

if TYPE_CHECKING:
    from conftest import Nbval


def names(path: Path) -> str:
    """Return how pytest calls a notebook."""
    return path.stem


@pytest.mark.stack
@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=names)
def test_a_notebook_runs_and_prints_what_it_printed_before(path: Path, nbval: Nbval) -> None:
    """No cell fails, and each compared output is the stored one."""
    run = nbval(path)
    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout


@pytest.mark.stack
def test_nbval_fails_where_a_compared_output_is_another(nbval: Nbval, tmp_path: Path) -> None:
    """The check above can fail: of the same first cells, the one whose digit was changed does."""
    notebook = load(NOTEBOOKS[0])
    upto = next(n for n, cell in enumerate(notebook["cells"]) if cell["id"] == "data")
    notebook["cells"] = notebook["cells"][: upto + 1]
    output = notebook["cells"][upto]["outputs"][0]
    stored = "".join(output["text"])
    output["text"] = [stored.replace("1797", "1798")]
    assert output["text"] != [stored]
    path = tmp_path / "cut.ipynb"
    path.write_text(dump(notebook))
    run = nbval(path)
    assert run.returncode == 1
    assert "1 failed, 1 passed" in run.stdout
    assert "1798" in run.stdout


def test_there_are_notebooks() -> None:
    """The tests of this file are about something."""
    assert [path.stem for path in NOTEBOOKS] == [
        "01-quickstart",
        "02-named-tasks",
        "03-libraries",
        "04-sweep",
        "05-cancel-retry-limits",
        "06-big-arrays",
        "07-monte-carlo",
        "08-image-tiles",
        "09-live-curves",
        "10-kernel-restart",
        "11-notebook-jobs",
        "12-studies",
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=names)
def test_a_notebook_is_fit_to_be_committed(path: Path) -> None:
    """It holds no error, no trace of a machine, no panel that needs a kernel."""
    assert problems(load(path)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=names)
def test_a_notebook_keeps_the_final_panels(path: Path) -> None:
    """Who reads the file sees what became of each job and batch, without a kernel."""
    outputs = [output for cell in load(path)["cells"] for output in cell.get("outputs", [])]
    lines = [line for line in map(panel_line, outputs) if line]
    assert lines
    assert [line for line in lines if not is_final(line)] == []


def clean() -> dict[str, Any]:
    """Return a small notebook without a fault."""
    output = {"name": "stdout", "output_type": "stream", "text": ["1\n"]}
    cell = {
        "cell_type": "code",
        "execution_count": 1,
        "id": "one",
        "metadata": {"tags": [CHECKED]},
        "outputs": [output],
        "source": ["print(1)"],
    }
    return {"cells": [cell], "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("✓ fit succeeded in 5.8 s · on lab-812-5d1e", True),
        ("⊘ search cancelled after 0.3 s · 10,829 done", True),
        ("✗ fit failed after 1.1 s · 9 jobs · 100 % · 5 succeeded · 4 failed", True),
        ("▶ fit running 0.8 s · 3 of 4", False),
        ("▶ fit running 0.8 s · 9 jobs · 55 % · 5 succeeded · 4 queued", False),
        ("✗ fit failed after 0.8 s · 9 jobs · 55 % · 1 failed · 8 running", False),
        ("<Figure size 640x480 with 1 Axes>", False),
    ],
)
def test_a_panel_that_goes_on_is_told_from_a_final_one(line: str, expected: bool) -> None:
    """By the line of text that is stored beside the HTML."""
    assert is_final(line) == expected


WIDGET = {"application/vnd.jupyter.widget-view+json": {"model_id": "0"}}

SPOILS: dict[str, tuple[dict[str, Any], str]] = {
    "timestamps": ({"metadata": {"execution": {"iopub.execute_input": "2026"}}}, "one run"),
    "count": ({"execution_count": 7}, "one run"),
    "machine": (
        {
            "outputs": [
                {"output_type": "stream", "text": ["1 of 1 · on gpu-7.uni-x.org-812-5d1e\n"]}
            ]
        },
        "one machine",
    ),
    "path": ({"source": ["open('/home/ada/data.csv')"]}, "a path of a machine"),
    "token": ({"source": ["'Zk3vQ0l7cYxN1rTqWm5bJs8dGf2hPa4uEi6oLyRtVwX'"]}, "a token"),
    "address": ({"source": ["Client('http://127.0.0.1:5000')"]}, "an address of a server"),
    "error": (
        {"outputs": [{"output_type": "error", "ename": "E", "evalue": "", "traceback": []}]},
        "ended in an error",
    ),
    "widget": (
        {"outputs": [{"output_type": "display_data", "metadata": {}, "data": WIDGET}]},
        "before its panel was final",
    ),
    "nothing": ({"outputs": []}, "compared with nothing"),
}


def test_a_clean_notebook_has_no_problem() -> None:
    """What the next test spoils is without fault before."""
    assert problems(clean()) == []


@pytest.mark.parametrize("fault", SPOILS)
def test_a_spoiled_notebook_is_found_out(fault: str) -> None:
    """Each fault is named, with its cell where it has one."""
    change, told = SPOILS[fault]
    notebook = clean()
    notebook["cells"][0].update(change)
    found = problems(notebook)
    assert len(found) == 1
    assert told in found[0]


def test_tidying_takes_what_one_run_left() -> None:
    """Timestamps, counts and the state of widgets go; sources, tags and outputs stay."""
    notebook = copy.deepcopy(clean())
    notebook["metadata"] = {**METADATA, "widgets": {"state": {}}}
    notebook["cells"][0]["metadata"] |= {"execution": {}}
    notebook["cells"][0]["execution_count"] = 9
    assert tidy(notebook) == clean()


def test_tidying_moves_every_worker_to_a_machine_called_lab() -> None:
    """The name of the machine that ran the notebook goes; the rest of the line stays."""
    notebook = clean()
    output = notebook["cells"][0]["outputs"][0]
    output["text"] = ["300 of 300 · on node-3.example-812-5d1e · 0.98\n"]
    tidied = tidy(notebook)["cells"][0]["outputs"][0]
    assert tidied["text"] == ["300 of 300 · on lab-812-5d1e · 0.98\n"]


def test_tidying_calls_every_cell_of_a_traceback_alike() -> None:
    """The file that a kernel makes up for a cell goes; the line within the cell stays."""
    notebook = clean()
    output = notebook["cells"][0]["outputs"][0]
    output["text"] = ['File "/tmp/ipykernel_812/3141592.py", line 18, in fit\n']
    tidied = tidy(notebook)["cells"][0]["outputs"][0]
    assert tidied["text"] == ['File "cell.py", line 18, in fit\n']


@pytest.mark.parametrize(
    ("line", "remains", "is_left_out"),
    [
        ("✗ fit failed after 1 s", WIDGET, True),
        ("✓ fit succeeded in 1 s", {"text/html": [], "text/plain": []}, True),
        ("▶ fit running 1 s", WIDGET, False),
        ("✓ fit succeeded in 1 s", {"text/plain": ["<Figure>"]}, False),
    ],
    ids=["a button", "nothing", "a live panel", "a figure"],
)
def test_tidying_leaves_of_a_final_panel_its_picture(
    line: str, remains: dict[str, Any], is_left_out: bool
) -> None:
    """A button that needs its kernel goes; what is not final, or no panel's, stays to be seen."""
    picture = {"text/html": ['<div class="taskkit"></div>'], "text/plain": [line]}
    notebook = clean()
    notebook["cells"][0]["outputs"] = [
        {"output_type": "display_data", "metadata": {}, "data": data} for data in (picture, remains)
    ]
    tidied = tidy(notebook)["cells"][0]["outputs"]
    assert [output["data"] for output in tidied] == [picture, remains][: 1 if is_left_out else 2]
