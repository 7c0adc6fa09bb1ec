"""Files beside a notebook that it needs: the modules that it imports, and what is named."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ..protocol.errors import InvalidRequest, PayloadTooLarge
from .reading import trees

MOST_BYTES = 64 * 2**20
"""Of all of them: they are sent with each job."""

_LEFT_OUT = {"__pycache__", ".git", ".ipynb_checkpoints"}

Paths = Iterable[str | os.PathLike[str]]


def beside(notebook: Mapping[str, Any], folder: Path, files: Paths) -> dict[str, bytes]:
    """Return files by their paths from the notebook's folder: modules, and what `files` names.

    files: paths from there, of files or folders, also with ``*``.

    Raises:
        FileNotFoundError: What is named is not there.
        InvalidRequest: It is not in the notebook's folder.
        PayloadTooLarge: They are too large to be sent with a job.
    """
    folder = folder.resolve()
    found = dict.fromkeys(_modules(folder, trees(notebook), set()))
    for name in files:
        found |= dict.fromkeys(_named(folder, os.fspath(name)))
    size = sum(path.stat().st_size for path in found)
    if size > MOST_BYTES:
        raise PayloadTooLarge(
            f"the files beside the notebook take {size / 2**20:.0f} MiB and may take "
            f"{MOST_BYTES // 2**20}: keep them where the workers reach them, and give the path as "
            "a parameter"
        )
    return {_place(folder, path): path.read_bytes() for path in found}


def _place(folder: Path, path: Path) -> str:
    return str(PurePosixPath(path.relative_to(folder)))


def _named(folder: Path, name: str) -> Iterator[Path]:
    # What `..` leads to or a link points at is not beside the notebook.
    is_pattern = any(sign in name for sign in "*?[")
    try:
        given = Path(os.path.normpath(folder / name)).relative_to(folder)
        found = sorted(folder.glob(str(given))) if is_pattern else [folder / given]
    except ValueError:
        raise InvalidRequest(
            f"{name} is not in the notebook's folder, {folder}: only what is can be sent along"
        ) from None
    there = [path for path in found if path.exists()]
    if not there:
        raise FileNotFoundError(f"there is no {name} in {folder}")
    for path in there:
        yield from _within(path)


def _within(path: Path) -> Iterator[Path]:
    if path.is_dir():
        for inner in sorted(path.iterdir()):
            if inner.name not in _LEFT_OUT:
                yield from _within(inner)
    elif path.is_file():
        yield path


def _modules(folder: Path, sources: Iterable[ast.AST], seen: set[str]) -> Iterator[Path]:
    """Yield the files of the modules in a folder that are imported, and that those import."""
    for name in sorted({name for tree in sources for name in _imported(tree)} - seen):
        seen.add(name)
        package, module = folder / name, folder / f"{name}.py"
        if (package / "__init__.py").is_file():
            paths = list(_within(package))
        elif module.is_file():
            paths = [module]
        else:
            continue
        yield from paths
        yield from _modules(folder, _parsed(paths), seen)


def _parsed(paths: Iterable[Path]) -> Iterator[ast.AST]:
    for path in paths:
        if path.suffix == ".py":
            try:
                yield ast.parse(path.read_bytes())
            except (SyntaxError, ValueError, RecursionError):
                continue  # which whoever imports it is told


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]
