"""What only the notebook knows of a worker's traceback: its cells, and what their lines say."""

from __future__ import annotations

import linecache
import re
import sys
from typing import Any

_FRAME = re.compile(
    r'(?P<margin>(?: *\| )?)  File "(?P<file>[^"\n]+)", line (?P<line>\d+)(?P<rest>[^\n]*)\n?'
)


def with_sources(traceback: str) -> str:
    """Return a traceback in which cells of this notebook are called as IPython calls them.

    Their files are made up and exist nowhere, so a worker has neither a name nor a line of them.
    What is not of this kernel stays as it is.
    """
    cells = {file for file in _cells() if file in traceback}
    if not cells:
        return traceback
    lines = traceback.splitlines(keepends=True)
    told = []
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        frame = _FRAME.fullmatch(line)
        if frame is None or frame["file"] not in cells:
            told.append(line)
            continue
        margin, number = frame["margin"], int(frame["line"])
        told.append(f'{margin}  File "{_name(frame["file"])}", line {number}{frame["rest"]}\n')
        source = linecache.getline(frame["file"], number).strip()
        if source and not after.startswith(f"{margin}    "):
            told.append(f"{margin}    {source}\n")
    return "".join(told)


def _cells() -> list[str]:
    """Return the files that IPython has made up; those that are on a disk have a time."""
    shell = _shell()
    names = getattr(getattr(shell, "compile", None), "_filename_map", None) or {}
    return [name for name in names if name in linecache.cache]


def _name(file: str) -> str:
    """Return what IPython calls a cell, e.g. ``Cell In[3]``."""
    found = _shell().compile.format_code_name(file)
    return " ".join(found) if found else file


def _shell() -> Any:
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()
