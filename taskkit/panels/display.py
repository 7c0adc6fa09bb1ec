"""Showing a job or a batch where the user is: a notebook's cell or a terminal."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any

from .flush import FLUSHER
from .line import Line
from .look import look
from .shown import Shown

if TYPE_CHECKING:
    from .widget import Panel

MODE_VARIABLE = "TASKKIT_PROGRESS"
"""``plain``: a line of text in the cell instead of a widget. ``none``: only the repr."""


def show(shown: Shown) -> None:
    """Show it in the running cell, live until it is final; in a terminal print one line."""
    mode = os.environ.get(MODE_VARIABLE, "").strip().lower()
    shell = _shell()
    now = look(shown)
    if mode == "none" or getattr(shell, "kernel", None) is None:
        print(repr(shown) if mode == "none" else now.line)  # noqa: T201 - called by the cell itself
        return
    if now.is_final:
        bundle = now.bundle()
        if mode == "plain":
            del bundle["text/html"]
        _handle().display(bundle, raw=True)
        return
    _live(shown, is_plain=mode == "plain").begin(_handle)
    shell.events.register("post_run_cell", FLUSHER.catch_up)


def _shell() -> Any:
    """Return IPython's shell, or None where there is none."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def _handle() -> Any:
    """Return a new handle on an output of the running cell."""
    from IPython.display import DisplayHandle

    untyped: Any = DisplayHandle
    return untyped()


def _live(shown: Shown, *, is_plain: bool) -> Panel | Line:
    if is_plain or importlib.util.find_spec("ipywidgets") is None:
        return Line(shown)
    from .widget import Panel

    return Panel(shown)
