"""Notebooks as nodes and as files, for tests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def cell(source: str, *tags: str, kind: str = "code") -> dict[str, Any]:
    """Return a cell."""
    made: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source}
    if tags:
        made["metadata"]["tags"] = list(tags)
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def notebook(*cells: str | Mapping[str, Any], kernel: str = "python3", **more: Any) -> Any:
    """Return a notebook; of a text, a cell of code."""
    made = [cell(one) if isinstance(one, str) else dict(one) for one in cells]
    spec = {"name": kernel, "display_name": kernel, "language": "python"}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": spec},
        "cells": [{"id": f"cell-{n}", **one} for n, one in enumerate(made)],
        **more,
    }


def written(folder: Path, node: Any, name: str = "study.ipynb") -> Path:
    """Write a notebook to a file."""
    path = folder / name
    path.write_text(json.dumps(node))
    return path


def older(*sources: str) -> dict[str, Any]:
    """Return a notebook as IPython 2 wrote it, of nbformat 3."""
    cells = [
        {
            "cell_type": "code",
            "collapsed": False,
            "input": source,
            "language": "python",
            "metadata": {},
            "outputs": [],
        }
        for source in sources
    ]
    return {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [{"cells": cells, "metadata": {}}],
    }


def sources(node: Mapping[str, Any]) -> Sequence[str]:
    """Return the sources of a notebook's cells."""
    return [one["source"] for one in node["cells"]]
