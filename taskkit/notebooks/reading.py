"""A notebook's file as JSON of nbformat 4, and what can be told from that."""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from ..protocol.errors import InvalidRequest
from .formats import MAJOR, Node, upgraded

UNNAMED = "notebook.ipynb"
PARAMETERS, INJECTED = "parameters", "injected-parameters"
"""Tags of cells. Source: papermill's documentation, "Parameterize"."""

NOT_RUN = "skip-execution"
"""The tag of a cell that is not run. Source: nbclient, `skip_cells_with_tag`."""


def read(notebook: str | os.PathLike[str] | Mapping[str, Any]) -> tuple[Node, str]:
    """Return a notebook, given as its path or as a node, and what to call it.

    Raises:
        OSError: There is no such file, or it cannot be read.
        InvalidRequest: It is no notebook.
    """
    if isinstance(notebook, Mapping):
        return _of_present(deepcopy(dict(notebook)), "what was given"), UNNAMED
    path = Path(notebook)
    try:
        node = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InvalidRequest(f"{path} is no notebook: it is no JSON ({error})") from None
    return _of_present(node, str(path)), path.name


def _of_present(node: Any, what: str) -> Node:
    major = node.get("nbformat") if isinstance(node, dict) else None
    if type(major) is not int:
        raise InvalidRequest(f"{what} is no notebook: its JSON does not say which nbformat it has")
    if major > MAJOR:
        raise InvalidRequest(f"{what} has nbformat {major}, and taskkit knows {MAJOR} at most")
    if major < MAJOR:
        node = upgraded(node, what)
    cells = node.get("cells")
    if not isinstance(cells, list) or not all(map(_is_cell, cells)):
        raise InvalidRequest(f"{what} is no notebook: its cells are not what nbformat says")
    return dict(node)


def _is_cell(cell: Any) -> bool:
    if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
        return False
    source = cell.get("source")
    is_lines = isinstance(source, list) and all(isinstance(line, str) for line in source)
    return (isinstance(source, str) or is_lines) and isinstance(cell.get("metadata", {}), dict)


def language(notebook: Mapping[str, Any]) -> str:
    """Return the language of its cells, in small letters; Python where it does not say.

    >>> language({"metadata": {"kernelspec": {"name": "ir", "language": "R"}}}), language({})
    ('r', 'python')
    """
    metadata = notebook.get("metadata", {})
    told = metadata.get("kernelspec", {}).get("language")
    return str(told or metadata.get("language_info", {}).get("name") or "python").lower()


def source_of(cell: Mapping[str, Any]) -> str:
    """Return a cell's source, which files have in lines.

    >>> source_of({"source": ["a = 1\\n", "b = 2"]})
    'a = 1\\nb = 2'
    """
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def tags_of(cell: Mapping[str, Any]) -> list[str]:
    """Return a cell's tags."""
    tags = cell.get("metadata", {}).get("tags", [])
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


def is_run(cell: Mapping[str, Any]) -> bool:
    """Return whether a cell is run: so that it has a number, which is that of ``In [ ]``."""
    is_code = cell["cell_type"] == "code" and bool(source_of(cell).strip())
    return is_code and NOT_RUN not in tags_of(cell)


def without_outputs(notebook: Any) -> Any:
    """Return a notebook, from which is taken what earlier executions have left in its cells."""
    for cell in filter(is_run, notebook["cells"]):
        cell["execution_count"], cell["outputs"] = None, []
    return notebook


def headline(source: str, most: int = 60) -> str:
    """Return the line of a cell that says most of it: the first that does something.

    >>> headline("# the model\\nimport lab\\nfit(model)"), headline("%run other.ipynb")
    ('fit(model)', '%run other.ipynb')
    """
    lines = [line.strip() for line in source.splitlines() if line.strip()]
    code = [line for line in lines if not line.startswith(("#", "%"))]
    acts = [line for line in code if not line.startswith(("import ", "from "))]
    line = (acts or code or lines or [""])[0]
    return line if len(line) <= most else f"{line[: most - 1]}…"


def parsed(source: str) -> ast.Module | None:
    """Return a cell's Python without IPython's own lines; None where it cannot be read.

    >>> ast.unparse(parsed("%matplotlib inline\\nx = 1\\n!ls"))
    'x = 1'
    """
    if source.lstrip().startswith("%%"):
        return None
    plain = "\n".join(
        "" if line.lstrip().startswith(("%", "!", "?")) or line.rstrip().endswith("?") else line
        for line in source.splitlines()
    )
    try:
        return ast.parse(plain)
    except (SyntaxError, ValueError, RecursionError):
        return None


def trees(notebook: Mapping[str, Any]) -> Iterator[ast.Module]:
    """Yield what can be read of its Python, a cell each."""
    if language(notebook) != "python":
        return
    for cell in notebook["cells"]:
        tree = parsed(source_of(cell)) if is_run(cell) else None
        if tree is not None:
            yield tree
