"""What a notebook must look like to be committed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from taskkit.protocol.jobs import ACTIVE, FINAL

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))

METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
"""A notebook's own metadata: nothing of the machine that ran it, no state of widgets."""

CHECKED = "nbval-check-output"
"""Tags a cell whose output nbval compares with the stored one; of the others it takes any."""

_WIDGET = "application/vnd.jupyter.widget-view+json"
_WORKER = re.compile(r"(?<![\w.-])[\w.-]+-(\d+-[0-9a-f]{4})(?![\w-])")
_CELL = re.compile(r"(?:/[\w.+-]+)+/ipykernel_\d+/\d+\.py")
_IN_HTML = re.compile("data:image/[a-z+]+;base64,[A-Za-z0-9+/=]*")
_TRACES = {
    "a path of a machine": re.compile(
        r"""(?<![\w./:>-])/(home|root|tmp|work|var|opt|usr|private|mnt|Users)/|[A-Z]:\\\\"""
    ),
    "a token": re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{43}(?![\w-])"),
    "an address of a server": re.compile(r"(127\.0\.0\.1|localhost):\d+"),
}


def load(path: Path) -> dict[str, Any]:
    """Return a notebook as the JSON object that it is."""
    notebook: dict[str, Any] = json.loads(path.read_text())
    return notebook


def dump(notebook: dict[str, Any]) -> str:
    """Return a notebook as its file holds it."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def tidy(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return the notebook without what only one machine or one run knows."""
    cells = [{**cell, "metadata": _tags(cell)} for cell in notebook["cells"]]
    for number, cell in enumerate((c for c in cells if c["cell_type"] == "code"), start=1):
        cell["execution_count"] = number
        tidied = [_tidy_output(output, number) for output in cell["outputs"]]
        cell["outputs"] = _without_remains(tidied)
    return {**notebook, "cells": cells, "metadata": METADATA}


def _tags(cell: dict[str, Any]) -> dict[str, Any]:
    tags = cell["metadata"].get("tags")
    return {"tags": tags} if tags else {}


def _tidy_output(output: dict[str, Any], number: int) -> dict[str, Any]:
    # A worker is named after its machine: HOST-PID-XXXX; a cell, in tracebacks, after its kernel.
    text = _CELL.sub("cell.py", _WORKER.sub(r"lab-\1", json.dumps(output)))
    nameless: dict[str, Any] = json.loads(text)
    kept = {name: value for name, value in nameless.items() if name != "transient"}
    if "metadata" in kept:
        kept["metadata"] = {}
    if "execution_count" in kept:
        kept["execution_count"] = number
    return kept


def _without_remains(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Leave out what stays of a panel's widget behind its final picture: nothing, or a button."""
    kept: list[dict[str, Any]] = []
    for output in outputs:
        data = output.get("data", {"": "no display"})
        before = panel_line(kept[-1]) if kept else ""
        if not (is_final(before) and (_WIDGET in data or not any(data.values()))):
            kept.append(output)
    return kept


def panel_line(output: dict[str, Any]) -> str:
    """Return what a panel says as a line of text; "" of an output that is no panel."""
    data = output.get("data", {})
    is_panel = 'class="taskkit"' in "".join(data.get("text/html", ""))
    return "".join(data["text/plain"]) if is_panel else ""


def is_final(line: str) -> bool:
    """Return whether a panel's line says how its jobs ended, and of none that it goes on.

    A batch counts its jobs by their states; its own state is the first of these words.
    """
    states = [word for word in re.findall(r"\w+", line) if word in {*ACTIVE, *FINAL}]
    return bool(states) and states[0] in FINAL and not ACTIVE.intersection(states)


def problems(notebook: dict[str, Any]) -> list[str]:
    """Return what must not be committed, a sentence each."""
    found = []
    if notebook != tidy(notebook):
        found.append("it holds what only one machine or one run knows")
    for cell in notebook["cells"]:
        name = cell["id"]
        # Image data is long base64, in which anything may look like anything.
        text = _IN_HTML.sub("", json.dumps(_without_images(cell), ensure_ascii=False))
        found += [
            f"cell {name} holds {what}" for what, trace in _TRACES.items() if trace.search(text)
        ]
        outputs = cell.get("outputs", [])
        if any(output["output_type"] == "error" for output in outputs):
            found.append(f"cell {name} ended in an error")
        if any(_WIDGET in output.get("data", {}) for output in outputs):
            found.append(f"cell {name} was saved before its panel was final")
        if CHECKED in _tags(cell).get("tags", ()) and not outputs:
            found.append(f"cell {name} is to be compared with nothing")
    return found


def _without_images(cell: dict[str, Any]) -> dict[str, Any]:
    outputs = [
        {
            **output,
            "data": {
                kind: value
                for kind, value in output.get("data", {}).items()
                if not kind.startswith("image/")
            },
        }
        for output in cell.get("outputs", [])
    ]
    return {**cell, "outputs": outputs}
