"""What is a notebook, what is none, and what of it is run."""

from __future__ import annotations

import doctest
import importlib
import json
from pathlib import Path
from typing import Any

import pytest
from notebook_nodes import cell, notebook, older, sources, written

from taskkit.notebooks.reading import is_run, read, without_outputs
from taskkit.protocol.errors import InvalidRequest


def test_a_file_and_a_node_are_the_same(tmp_path: Path) -> None:
    """The file's name is what the job is called by; the node stays as it was."""
    node = notebook("a = 1")
    before = json.dumps(node)
    from_file, name = read(written(tmp_path, node, "fit.ipynb"))
    from_node, unnamed = read(node)
    assert (from_file, name, unnamed) == (from_node, "fit.ipynb", "notebook.ipynb")
    from_node["cells"][0]["source"] = "b = 2"
    assert json.dumps(node) == before


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import numpy as np\n", "it is no JSON"),
        ("", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("[1, 2]", "does not say which nbformat"),
        ('{"cells": []}', "does not say which nbformat"),
        ('{"nbformat": "4", "cells": []}', "does not say which nbformat"),
        ('{"nbformat": 5, "cells": []}', "has nbformat 5, and taskkit knows 4"),
        ('{"nbformat": 4}', "its cells are not what nbformat says"),
        ('{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "its cells are not what"),
        ('{"nbformat": 4, "cells": [{"cell_type": "code", "source": [1]}]}', "its cells are not"),
        ('{"nbformat": 3, "worksheets": 7}', "is no notebook"),
    ],
)
def test_what_is_no_notebook_is_refused_with_its_name(
    tmp_path: Path, text: str, words: str
) -> None:
    """Before anything is sent."""
    path = tmp_path / "study.ipynb"
    path.write_text(text)
    with pytest.raises(InvalidRequest, match=words) as refused:
        read(path)
    assert str(path) in str(refused.value)


def test_bytes_that_are_no_text_are_no_notebook(tmp_path: Path) -> None:
    """An image with the wrong name."""
    path = tmp_path / "plot.ipynb"
    path.write_bytes(b"\x89PNG\r\n\xff\xfe")
    with pytest.raises(InvalidRequest, match="is no notebook"):
        read(path)


def test_a_file_that_is_not_there_is_no_ones_fault_but_its_own(tmp_path: Path) -> None:
    """As of any function that opens files."""
    with pytest.raises(FileNotFoundError, match=r"study\.ipynb"):
        read(tmp_path / "study.ipynb")


def test_a_notebook_of_nbformat_3_is_made_into_one_of_4(tmp_path: Path) -> None:
    """Its cells were in worksheets."""
    node, _ = read(written(tmp_path, older("a = 1", "a + 1")))
    assert node["nbformat"] == 4
    assert sources(node) == ["a = 1", "a + 1"]


@pytest.mark.parametrize(
    ("one", "is_it"),
    [
        (cell("a = 1"), True),
        (cell("  \n"), False),
        (cell("# words", kind="markdown"), False),
        (cell("a = 1", "skip-execution"), False),
        ({"cell_type": "code", "source": ["a = 1\n", "b = 2"], "metadata": {}}, True),
    ],
)
def test_cells_have_numbers_where_they_are_run(one: Any, is_it: bool) -> None:
    """So that a number is that of ``In [ ]``."""
    assert is_run(one) is is_it


def test_outputs_of_an_earlier_run_are_not_sent() -> None:
    """They may be large, and are no part of the work; of what is not run, they stay."""
    node = notebook("a", cell("b", "skip-execution"))
    for one in node["cells"]:
        one |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "x"}]}
        one["execution_count"] = 7
    first, second = without_outputs(node)["cells"]
    assert (first["outputs"], first["execution_count"]) == ([], None)
    assert second["outputs"]


@pytest.mark.parametrize("name", ["reading", "parameters"])
def test_the_examples_run(name: str) -> None:
    """As they are written."""
    result = doctest.testmod(importlib.import_module(f"taskkit.notebooks.{name}"))
    assert result.attempted > 0
    assert result.failed == 0
