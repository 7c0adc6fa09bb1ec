"""Showing a job or a batch where the user is: a notebook's cell or a terminal."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING, Any

from ..config.client import progress
from .allowance import ALLOWANCE
from .displayed import gallery_html, is_here
from .flush import FLUSHER
from .line import Line
from .look import card, figures, look
from .render import Picture
from .shown import Shown

if TYPE_CHECKING:
    from .widget import Panel


def show(shown: Shown) -> None:
    """Show it in the running cell, live until it is final; in a terminal print one line."""
    mode = progress()
    shell = _shell()
    now = look(shown)
    if mode == "none" or getattr(shell, "kernel", None) is None:
        print(repr(shown) if mode == "none" else now.line)  # noqa: T201 - called by the cell itself
        return
    is_plain = mode == "plain"
    if now.is_final and _show_final(shown, now, is_plain=is_plain):
        return
    _live(shown, is_plain=is_plain).begin(_handle)
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


def _show_final(shown: Shown, now: Picture, *, is_plain: bool) -> bool:
    """Show what does not change any more; return False where pictures have to be waited for."""
    if is_plain:
        _handle().display({"text/plain": now.line}, raw=True)
        return True
    there = figures(shown, now)
    gallery = gallery_html(there) + (card(shown, now) or "")
    if not (is_here(there) and ALLOWANCE.take(len(gallery))):
        return False
    _handle().display(now.bundle(gallery=gallery), raw=True)
    return True


def _live(shown: Shown, *, is_plain: bool) -> Panel | Line:
    if is_plain or importlib.util.find_spec("ipywidgets") is None:
        return Line(shown)
    from .widget import Panel

    return Panel(shown)
