"""The body of a ``%%job`` cell: checked, and told what it needs, before anything is sent."""

from __future__ import annotations

import ast
import builtins
import io
import tokenize
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from ..protocol.errors import CannotTravel
from ..travel.cells import Cell
from .reading import names_of

_MAGIC = "get_ipython"

_PYTHONS = frozenset({*vars(ModuleType("")), "__annotations__", "__builtins__"})
"""The names that every module has."""


class Body(NamedTuple):
    """A cell, and the names that it is sent."""

    cell: Cell
    names: FunctionType
    #: Never called: it reads the names, and so they travel with it.


def body_of(
    text: str,
    *,
    file: str,
    namespace: dict[str, Any],
    transform: Callable[[str], str],
    replaced: Mapping[str, Any],
    out: tuple[str, ...] = (),
) -> Body:
    """Return a cell, of which the first line is the magic's, as it is submitted.

    transform: makes Python of what IPython understands.
    replaced: what IPython itself has put into the namespace. Of built-ins, such as `open` and
        `exit`, a worker takes its own.

    Raises:
        SyntaxError: The body is no Python.
        CannotTravel: It uses IPython.
        ValueError: It has nothing to do with a name of `out`.
    """

    def is_replaced(name: str) -> bool:
        is_shell_s = name in replaced and replaced[name] is namespace[name]
        return is_shell_s and hasattr(builtins, name)

    magic, _, written = text.partition("\n")
    cell = Cell(f"{magic}\n{_python(written, transform)}", file)
    cell.show()
    cell.codes()
    tree = cell.tree()
    read, assigned = names_of(tree)
    if _MAGIC in read:
        raise _foreign(tree, text)
    for name in out:
        if name not in read | assigned and not _has_star(tree):
            raise ValueError(f"--out asks for {name!r}, which the cell neither assigns nor reads")
    there = {name for name in read if name in namespace and not is_replaced(name)}
    unknown = read - there - vars(builtins).keys()
    asked = replace(
        cell,
        has_value=_has_value(tree, cell.text),
        assigned=tuple(sorted(assigned)),
        out=out,
        unknown=tuple(sorted(unknown)),
    )
    return Body(asked, _reader(sorted(there - _PYTHONS), tree, namespace))


def _python(written: str, transform: Callable[[str], str]) -> str:
    """Return what IPython makes of a body, each line where it was."""
    lines = written.splitlines(keepends=True)
    # IPython drops empty lines at the beginning.
    blank = next((n for n, line in enumerate(lines) if line.strip()), len(lines))
    return "\n" * blank + transform("".join(lines[blank:]))


def _foreign(tree: ast.Module, text: str) -> CannotTravel:
    """Return the refusal of a cell that uses IPython, with its first line that does."""
    nodes = ast.walk(tree)
    number = min(node.lineno for node in nodes if isinstance(node, ast.Name) and node.id == _MAGIC)
    line = text.split("\n")[number - 1].strip()
    return CannotTravel(
        f"line {number} of the cell, {line!r}, is for IPython, which a worker does not have. "
        "Run it in a cell of its own, or use the subprocess module for a command."
    )


def _has_star(tree: ast.Module) -> bool:
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return any(alias.name == "*" for node in imports for alias in node.names)


def _has_value(tree: ast.Module, text: str) -> bool:
    """Return whether a cell shows the value of its last expression: not after a semicolon."""
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        return False
    body = text.partition("\n")[2]
    passing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER}
    tokens = tokenize.generate_tokens(io.StringIO(body).readline)
    last = [token.string for token in tokens if token.type not in passing][-1]
    return last != ";"


def _reader(names: list[str], tree: ast.Module, namespace: dict[str, Any]) -> FunctionType:
    """Return a function among the globals of the notebook that reads these names.

    It also names the attributes that the body names, for cloudpickle brings those modules within a
    package that have been imported, and that are named so.
    """
    attributes = sorted({node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)})
    words = [*names, *(f"(0).{attribute}" for attribute in attributes)]
    code: Any = compile(f"lambda: [{', '.join(words)}]", "<names>", "eval", dont_inherit=True)
    (inner,) = (constant for constant in code.co_consts if isinstance(constant, CodeType))
    return FunctionType(inner, namespace, "names")
