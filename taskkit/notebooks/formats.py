"""What nbformat and nbconvert do with a notebook, where they are installed.

A kernel brings both; whoever submits from a plain script may have neither.
"""

from __future__ import annotations

import json
from typing import Any

from ..protocol.errors import InvalidRequest

MAJOR = 4
"""Of nbformat, which everything here is; older ones are made into it."""

Node = dict[str, Any]


def upgraded(node: Node, what: str) -> Node:
    """Return an older notebook as one of the present form.

    Raises:
        InvalidRequest: It is none, or nbformat is not here.
    """
    try:
        import nbformat
    except ImportError:
        raise InvalidRequest(
            f"{what} has nbformat {node['nbformat']}: pip install nbformat, which reads it; or "
            "open and save it in JupyterLab"
        ) from None
    try:
        older: Any = nbformat.from_dict(node)  # type: ignore[no-untyped-call]
        newer = nbformat.convert(older, MAJOR)  # type: ignore[no-untyped-call]
        made: Node = json.loads(json.dumps(newer))
    except Exception as error:
        raise InvalidRequest(f"{what} is no notebook: {error}") from error
    return made


def as_node(node: Node) -> Any:
    """Return a notebook as nbformat's own kind of dict, or as it is."""
    try:
        import nbformat
    except ImportError:
        return node
    return nbformat.from_dict(node)  # type: ignore[no-untyped-call]


def drawn(node: Node) -> str | None:
    """Return how a notebook looks as HTML without a style; None where nothing draws it."""
    try:
        from nbconvert.exporters import HTMLExporter
    except ImportError:
        return None
    exporter = HTMLExporter(template_name="basic")  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(as_node(node))
    return str(body)
