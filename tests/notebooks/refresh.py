"""Run notebooks anew and store their outputs: ``tests/notebooks/refresh.py [04-sweep …]``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from tidy import NOTEBOOKS, dump, problems, tidy

import taskkit

CELL_WITHIN_S = 120


def refresh(path: Path, url: str, token: str) -> list[str]:
    """Execute a notebook on a stack, store it with its outputs, return what is wrong with it."""
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    runner = NotebookClient(
        notebook,
        timeout=CELL_WITHIN_S,
        coalesce_streams=True,  # how often a line was flushed is of one run
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],  # else it warns of its loopback TCP
        resources=resources,
    )
    runner.execute(env={**os.environ, "TASKKIT_URL": url, "TASKKIT_TOKEN": token})
    stored = tidy(json.loads(nbformat.writes(notebook)))
    path.write_text(dump(stored))
    return problems(stored)


if __name__ == "__main__":
    names = sys.argv[1:] or [path.stem for path in NOTEBOOKS]
    chosen = [path for path in NOTEBOOKS if path.stem in names]
    if len(chosen) < len(names):
        sys.exit(f"not all of these are notebooks: {', '.join(names)}")
    with taskkit.LocalStack(workers=2) as stack:
        for path in chosen:
            print(path.name, *(refresh(path, stack.url, stack.token) or ["is tidy"]), sep="\n  ")
