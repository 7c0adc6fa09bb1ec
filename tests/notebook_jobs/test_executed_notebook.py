"""What is left of an execution: a file, outputs, scraps, and how it looks."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import nbformat
import pytest
from notebook_nodes import notebook

from taskkit.notebooks.executed import ExecutedNotebook
from taskkit_worker.notebooks.partly import within


def executed(*outputs: dict[str, Any], **papermill: Any) -> Any:
    """Return a notebook whose only cell has given this."""
    node = notebook("fit()")
    node["cells"][0] |= {"outputs": list(outputs), "execution_count": 1}
    node["metadata"]["papermill"] = papermill
    return node


def display(**data: Any) -> dict[str, Any]:
    """Return an output."""
    return {"output_type": "display_data", "metadata": {}, "data": data}


def test_it_is_saved_as_a_file_that_is_a_notebook(tmp_path: Path) -> None:
    """Under the name that is given, or in a folder under its own; nothing else is left there."""
    done = ExecutedNotebook("study.ipynb", executed(display(**{"text/plain": "ü"})))
    assert done.save(tmp_path / "out.ipynb") == tmp_path / "out.ipynb"
    assert done.save(tmp_path) == tmp_path / "study.ipynb"
    for name in ("out.ipynb", "study.ipynb"):
        node = nbformat.read(tmp_path / name, as_version=4)
        nbformat.validate(node)
        assert node == done.node
    assert len(list(tmp_path.iterdir())) == 2


def test_it_tells_what_came_of_it() -> None:
    """Outputs in their order, of scraps the last, parameters, how long it took."""
    scraps = [
        display(**{"application/scrapbook.scrap.json+json": {"name": "auc", "data": value}})
        for value in (0.5, 0.9)
    ]
    node = executed(*scraps, parameters={"alpha": 0.1}, duration=2.04)
    done = ExecutedNotebook("study.ipynb", node)
    assert done.outputs == scraps
    assert done.scraps == {"auc": 0.9}
    assert done.parameters == {"alpha": 0.1}
    assert repr(done) == "<ExecutedNotebook study.ipynb: 1 cell in 2.0 s>"
    assert pickle.loads(pickle.dumps(done)) == done


def test_of_a_part_it_says_how_much() -> None:
    """Cells that are run are counted, with and without a number."""
    node = notebook("a", "b", "", "c")
    node["cells"][0]["execution_count"] = 1
    assert repr(ExecutedNotebook("s.ipynb", node)) == "<ExecutedNotebook s.ipynb: 1 of 3 cells>"


def test_it_is_shown_in_a_frame_in_which_nothing_runs() -> None:
    """What its outputs hold is data: no script of theirs is one of the page's."""
    script = "<script>alert(1)</script>"
    done = ExecutedNotebook("<study>.ipynb", executed(display(**{"text/html": script})))
    shown = done._repr_html_()
    assert shown is not None
    assert "<script" not in shown
    assert "&lt;script&gt;alert(1)" in shown
    assert "<iframe sandbox style" in shown
    assert "<study>" not in shown


def test_what_is_too_large_for_an_error_loses_its_largest_outputs() -> None:
    """It says so in their place; the small ones are there."""
    large = "".join(f"{n * n * 7919:x}" for n in range(100_000))
    node = nbformat.from_dict(
        executed(display(**{"text/plain": "small"}), display(**{"text/plain": large}))
    )
    part = within("study.ipynb", node, most_bytes=10_000)
    assert part.size_bytes <= 10_000
    small, left_out = part.outputs
    assert small["data"]["text/plain"] == "small"
    assert left_out["text"].startswith("[taskkit: an output of ")
    whole = within("study.ipynb", nbformat.from_dict(executed(display())), most_bytes=10_000)
    assert len(whole.outputs) == 1


def test_without_nbformat_and_nbconvert_it_is_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with whoever submits from a plain script."""
    done = ExecutedNotebook("study.ipynb", executed())
    monkeypatch.setitem(__import__("sys").modules, "nbformat", None)
    monkeypatch.setitem(__import__("sys").modules, "nbconvert.exporters", None)
    assert type(done.node) is dict
    assert done._repr_html_() is None
    assert json.loads(done.to_bytes()) == done.node
