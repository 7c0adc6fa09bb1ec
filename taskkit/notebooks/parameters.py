"""Parameters of a notebook, put into it as papermill does.

Source: papermill's documentation, "Parameterize": they are set in a cell of their own, after the
one that has the defaults.
"""

from __future__ import annotations

import ast
import keyword
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from ..protocol.errors import InvalidArguments, InvalidRequest
from .formats import Node
from .reading import INJECTED, PARAMETERS, language, parsed, source_of, tags_of


def with_parameters(notebook: Node, parameters: Mapping[str, Any], title: str) -> list[str]:
    """Put parameters into a notebook; return what the user should know of that, in words.

    The cell of an earlier run is replaced.

    Raises:
        InvalidArguments: One cannot be written down in Python.
        InvalidRequest: The notebook is of another language.
    """
    cells: list[Node] = notebook["cells"]
    source = code_of(parameters)
    if parameters and language(notebook) != "python":
        raise InvalidRequest(
            f"{title} is in {language(notebook)}, and parameters can be given to Python alone"
        )
    metadata = notebook.setdefault("metadata", {}).setdefault("papermill", {})
    metadata["parameters"] = {name: _as_json(value) for name, value in parameters.items()}
    defaults = _first(cells, PARAMETERS)
    if not parameters:
        return []
    place = _first(cells, INJECTED)
    if place is None:
        place = 0 if defaults is None else defaults + 1
        cells.insert(place, {})
    cells[place] = _cell(notebook, source)
    return _doubts(cells, defaults, parameters, title)


def code_of(parameters: Mapping[str, Any]) -> str:
    """Return the cell that sets parameters.

    >>> print(code_of({"alpha": 0.1, "sizes": (8, 16), "limit": float("inf")}))
    # Parameters
    alpha = 0.1
    sizes = (8, 16)
    limit = float('inf')

    Raises:
        InvalidArguments: One cannot be written down in Python.
    """
    wrong = {}
    lines = ["# Parameters"]
    for name, value in parameters.items():
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            wrong[str(name)] = "is no name in Python"
            continue
        try:
            lines.append(f"{name} = {_literal(value)}")
        except (TypeError, RecursionError) as error:
            wrong[name] = str(error)
    if wrong:
        told = "; ".join(f"{name!r} {problem}" for name, problem in wrong.items())
        raise InvalidArguments(f"parameters of a notebook: {told}", arguments=wrong)
    return "\n".join(lines)


def names_in(source: str) -> set[str]:
    """Return the names that a cell with defaults sets.

    >>> sorted(names_in("alpha: float = 0.1\\nn, m = 3, 4  # sizes"))
    ['alpha', 'm', 'n']
    """
    tree = parsed(source)
    if tree is None:
        return set()
    return {
        node.id
        for statement in tree.body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _doubts(
    cells: list[Node], defaults: int | None, parameters: Mapping[str, Any], title: str
) -> list[str]:
    if defaults is None:
        return [
            f"{title} has no cell with the tag {PARAMETERS!r}: its parameters are set before its "
            "first cell, and what a cell sets again counts"
        ]
    known = names_in(source_of(cells[defaults]))
    unknown = [name for name in parameters if name not in known]
    if not unknown:
        return []
    has = f"it has {', '.join(sorted(known))}" if known else "it has none"
    return [f"{title} has no parameter {', '.join(map(repr, unknown))}; {has}"]


def _first(cells: list[Node], tag: str) -> int | None:
    return next((n for n, cell in enumerate(cells) if tag in tags_of(cell)), None)


def _cell(notebook: Node, source: str) -> Node:
    cell: Node = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {"tags": [INJECTED]},
        "outputs": [],
        "source": source,
    }
    if notebook.get("nbformat_minor", 0) >= 5:  # since when each cell has an id
        taken = {other.get("id") for other in notebook["cells"]}
        cell["id"] = next(id for id in (INJECTED, *_numbered()) if id not in taken)
    return cell


def _numbered() -> Any:
    return (f"{INJECTED}-{n}" for n in range(1, 10_000))


def _literal(value: Any) -> str:
    match value:
        case None | bool() | int() | str() if type(value) in (type(None), bool, int, str):
            return repr(value)
        case float() if type(value) is float:
            return repr(value) if math.isfinite(value) else f"float({str(value)!r})"
        case list():
            return f"[{', '.join(map(_literal, value))}]"
        case tuple():
            inner = ", ".join(map(_literal, value))
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        case dict():
            pairs = (f"{_literal(key)}: {_literal(inner)}" for key, inner in value.items())
            return f"{{{', '.join(pairs)}}}"
        case str() | PurePath():
            return repr(str(value))
    return _literal(_plain(value))


def _plain(value: Any) -> Any:
    """Return the number that one of NumPy's, or of a class of its own, stands for."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    for kind in (bool, int, float):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(
        f"is a {type(value).__name__}, which cannot be written into a cell: numbers, texts, lists, "
        "tuples and dicts can"
    )


def _as_json(value: Any) -> Any:
    """Return a parameter as the notebook's metadata have it, which browsers read."""
    match value:
        case None | bool() | int() | str() if type(value) in (type(None), bool, int, str):
            return value
        case float() if type(value) is float:
            return value if math.isfinite(value) else str(value)
        case list() | tuple():
            return [_as_json(inner) for inner in value]
        case dict():
            return {str(key): _as_json(inner) for key, inner in value.items()}
        case str() | PurePath():
            return str(value)
    return _as_json(_plain(value))
