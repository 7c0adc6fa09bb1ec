"""What is sent with a notebook of the folder that it is in."""

from __future__ import annotations

from pathlib import Path

import pytest
from notebook_nodes import cell, notebook

from taskkit.notebooks import neighbours
from taskkit.notebooks.neighbours import beside
from taskkit.protocol.errors import InvalidRequest, PayloadTooLarge


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A study's folder."""
    for name, text in {
        "lab.py": "import lab_tools\nfrom package.inner import x\n",
        "lab_tools.py": "import lab  # each other\n",
        "unused.py": "",
        "package/__init__.py": "",
        "package/inner.py": "x = 1\n",
        "package/__pycache__/inner.pyc": "",
        "data/a.csv": "1,2\n",
        "data/b.csv": "3,4\n",
        "data/notes.txt": "",
        "numpy.py": "",
    }.items():
        path = tmp_path / "study" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "secret.txt").write_text("")
    return tmp_path / "study"


def test_modules_beside_it_come_along_with_what_they_import(folder: Path) -> None:
    """Those that its cells import, also in functions; packages whole, and no others."""
    node = notebook("%matplotlib inline\ndef fit():\n    from lab import go\n    return go", "!ls")
    assert sorted(beside(node, folder, [])) == [
        "lab.py",
        "lab_tools.py",
        "package/__init__.py",
        "package/inner.py",
    ]


def test_what_is_not_run_or_cannot_be_read_imports_nothing(folder: Path) -> None:
    """Cells of text, cells that are passed over, magics of other languages, slips."""
    node = notebook(
        cell("import lab", kind="markdown"),
        cell("import lab", "skip-execution"),
        "%%bash\nimport lab",
        "import lab (",
    )
    assert beside(node, folder, []) == {}


def test_files_are_named_by_paths_from_there(folder: Path) -> None:
    """A file, a folder and a pattern; each keeps its place."""
    node = notebook("1")
    found = beside(node, folder, ["data/*.csv", Path("package"), folder / "unused.py"])
    assert found == {
        "data/a.csv": b"1,2\n",
        "data/b.csv": b"3,4\n",
        "package/__init__.py": b"",
        "package/inner.py": b"x = 1\n",
        "unused.py": b"",
    }


@pytest.mark.parametrize("name", ["../secret.txt", "data/../../secret.txt", "/etc/passwd"])
def test_a_file_elsewhere_is_refused(folder: Path, name: str) -> None:
    """It would have no place there."""
    with pytest.raises(InvalidRequest, match="is not in the notebook's folder"):
        beside(notebook("1"), folder, [name])


@pytest.mark.parametrize("name", ["data/c.csv", "*.xml"])
def test_a_file_that_is_not_there_is_told_now(folder: Path, name: str) -> None:
    """And not by a cell, hours later."""
    with pytest.raises(FileNotFoundError, match="there is no"):
        beside(notebook("1"), folder, [name])


def test_what_is_too_large_is_not_sent(folder: Path) -> None:
    """A hole of a file, for it takes no room here."""
    with (folder / "large.bin").open("wb") as file:
        file.truncate(neighbours.MOST_BYTES + 1)
    with pytest.raises(PayloadTooLarge, match="may take 64"):
        beside(notebook("1"), folder, ["large.bin"])
