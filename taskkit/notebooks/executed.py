"""A notebook as it was executed: what a job of one returns, and what a failed one leaves."""

from __future__ import annotations

import html
import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .formats import Node, as_node, drawn
from .reading import is_run

SCRAP = "application/scrapbook.scrap."
"""How the media type of what `scrapbook.glue` keeps begins. Source: nteract's scrapbook."""


class ExecutedNotebook:
    """An executed notebook with its outputs, all or, where it was stopped, as far as it came."""

    def __init__(self, name: str, node: Mapping[str, Any]) -> None:
        self.name = name
        self._packed = zlib.compress(json.dumps(node, ensure_ascii=False, indent=1).encode())

    @property
    def size_bytes(self) -> int:
        """How much it takes where it is sent or kept."""
        return len(self._packed)

    def to_bytes(self) -> bytes:
        """Return the file's bytes."""
        return zlib.decompress(self._packed) + b"\n"

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the notebook to a file, and return its path; a folder gets it by its own name."""
        to = Path(path)
        to = to / self.name if to.is_dir() else to
        # Who has it open sees the one before or this one, never a half.
        written = to.with_name(f".{to.name}.{os.getpid()}")
        try:
            written.write_bytes(self.to_bytes())
            written.replace(to)
        finally:
            written.unlink(missing_ok=True)
        return to

    @property
    def node(self) -> Any:
        """The notebook as a new node of nbformat; where that is not installed, as JSON."""
        return as_node(json.loads(self.to_bytes()))

    @property
    def outputs(self) -> list[Any]:
        """The outputs of all cells, in their order."""
        return [output for cell in self.node["cells"] for output in cell.get("outputs", ())]

    @property
    def scraps(self) -> dict[str, Any]:
        """What its cells have kept by name with ``scrapbook.glue``; of each name the last."""
        return {
            scrap["name"]: scrap.get("data")
            for output in self.outputs
            for kind, scrap in output.get("data", {}).items()
            if kind.startswith(SCRAP) and isinstance(scrap, dict) and "name" in scrap
        }

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that it was given."""
        return dict(self._told.get("parameters", {}))

    @property
    def duration_s(self) -> float | None:
        """How long its cells took together, with the kernel's start."""
        told = self._told.get("duration")
        return None if told is None else float(told)

    @property
    def _told(self) -> Node:
        node: Node = json.loads(self.to_bytes())
        return dict(node.get("metadata", {}).get("papermill", {}))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExecutedNotebook) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((self.name, self._packed))

    def __repr__(self) -> str:
        cells = [cell for cell in json.loads(self.to_bytes())["cells"] if is_run(cell)]
        done = sum(cell.get("execution_count") is not None for cell in cells)
        of = f"{done}" if done == len(cells) else f"{done} of {len(cells)}"
        took = "" if self.duration_s is None else f" in {self.duration_s:.1f} s"
        return f"<ExecutedNotebook {self.name}: {of} cell{'s' * (of != '1')}{took}>"

    def _repr_html_(self) -> str | None:
        """Return how the notebook looks, in a frame of its own; None where nbconvert is not there.

        Nothing in it is run: it is shown without scripts.
        """
        body = drawn(json.loads(self.to_bytes()))
        if body is None:
            return None
        page = f"<!DOCTYPE html><meta charset=utf-8><style>{_STYLE}</style>{body}"
        return (
            f"<details open><summary>{html.escape(repr(self))}</summary>"
            f'<iframe sandbox style="width:100%;height:28em;border:1px solid #bbb;background:#fff" '
            f'srcdoc="{html.escape(page)}"></iframe></details>'
        )


_STYLE = (
    "body{font:14px/1.4 system-ui,sans-serif;margin:12px;color:#111}"
    "pre{font:13px/1.35 ui-monospace,monospace;margin:2px 0;white-space:pre-wrap}"
    ".jp-InputArea,.input{background:#f5f5f5;padding:2px 6px;margin-top:10px}"
    ".jp-InputPrompt,.jp-OutputPrompt,.prompt,.anchor-link{color:#767676;font-size:12px}"
    ".anchor-link{display:none}img{max-width:100%}table{border-collapse:collapse;font-size:13px}"
    "td,th{padding:2px 8px;text-align:right}.ansi-red-fg{color:#b00020}"
)
