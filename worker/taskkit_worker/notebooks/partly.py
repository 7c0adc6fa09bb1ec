"""What was executed of a notebook that did not come to its end, small enough for an error."""

from __future__ import annotations

import json
from typing import Any

from nbformat.v4 import new_output

from taskkit.notebooks.executed import ExecutedNotebook

MOST_BYTES = 8 * 2**20
"""Of a notebook that travels with an error, which the ledger keeps, as it is packed."""


def within(name: str, node: Any, most_bytes: int = MOST_BYTES) -> ExecutedNotebook:
    """Return a notebook; where it is too large, its largest outputs are replaced by a note."""
    executed = ExecutedNotebook(name, node)
    sizes = sorted(
        ((len(json.dumps(output)), cell, n) for cell in node.cells for n, output in _outputs(cell)),
        key=lambda one: one[0],
    )
    while executed.size_bytes > most_bytes and sizes:
        # The larger half at once: each try packs the whole.
        for size, cell, n in sizes[len(sizes) // 2 :]:
            note = f"[taskkit: an output of {size:,} characters is left out]\n"
            cell.outputs[n] = new_output("stream", name="stderr", text=note)  # type: ignore[no-untyped-call]
        del sizes[len(sizes) // 2 :]
        executed = ExecutedNotebook(name, node)
    return executed


def _outputs(cell: Any) -> Any:
    return enumerate(cell.get("outputs", ()))
