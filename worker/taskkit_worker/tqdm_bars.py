"""Bars of tqdm within a job are the panel's: they tell the listener instead of printing.

The code of the job stays as it is. tqdm's classes are changed when the job's code imports them, so
that a worker whose jobs do without tqdm does too. Elsewhere than in the job's own process (in
processes that it makes), and into files of the job's own, tqdm prints as it always does.
"""

from __future__ import annotations

import io
import itertools
import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from taskkit.inside.place import place

FILE_PLACE = 4
"""Where tqdm's parameter `file` is, counted without `self`. Source: tqdm 4.67."""

_numbers = itertools.count()


class _Nowhere(io.TextIOBase):
    """Where bars print to that somebody listens to."""

    def write(self, text: str, /) -> int:
        return len(text)


_NOWHERE = _Nowhere()


def adopt() -> None:
    """Have tqdm tell the listener, in this process, once it is imported."""
    sys.meta_path.insert(0, _OnImport({"tqdm.std": _tell, "tqdm.notebook": _be_plain}))


class _OnImport(MetaPathFinder):
    """Changes modules right after they were imported."""

    def __init__(self, changes: dict[str, Callable[[Any], None]]) -> None:
        self._changes = changes

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> ModuleSpec | None:
        change = self._changes.get(name)
        spec = None if change is None else PathFinder.find_spec(name, path, target)
        if change is None or spec is None or spec.loader is None:
            return None
        loader: Any = spec.loader
        execute = loader.exec_module

        def execute_and_change(module: ModuleType) -> None:
            execute(module)
            change(module)

        loader.exec_module = execute_and_change
        return spec


def _tell(std: Any) -> None:
    """Change the class that all others of tqdm inherit from."""
    bar = std.tqdm
    begin, display, close = bar.__init__, bar.display, bar.close

    def begin_or_tell(self: Any, *args: Any, **kwargs: Any) -> None:
        if _is_listened_to(args, kwargs):
            self._taskkit = (place.listener, next(_numbers))
            kwargs["file"] = _NOWHERE
        begin(self, *args, **kwargs)

    def display_or_tell(self: Any, msg: str | None = None, pos: int | None = None) -> Any:
        if not hasattr(self, "_taskkit"):
            return display(self, msg, pos)
        _say(self, is_over=False)
        return True

    def close_and_tell(self: Any) -> None:
        was_over = self.disable
        close(self)
        if hasattr(self, "_taskkit") and not was_over:
            _say(self, is_over=True)

    bar.__init__, bar.display, bar.close = begin_or_tell, display_or_tell, close_and_tell


def _is_listened_to(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    if place.listener is None or place.pid != os.getpid() or len(args) > FILE_PLACE:
        return False
    return kwargs.get("file") in (None, sys.stdout, sys.stderr)


def _say(bar: Any, *, is_over: bool) -> None:
    listener, number = bar._taskkit  # noqa: SLF001 — ours
    if place.listener is None or listener is not place.listener:
        return  # it has outlived its job
    is_left = bar.pos == 0 if bar.leave is None else bar.leave
    if is_over and not is_left:
        listener.drop_bar(number)
        return
    # Whatever somebody has put there: tqdm itself passes over what is no text.
    words = (str(bar.desc or "").removesuffix(": "), str(bar.postfix or ""))
    name = ", ".join(word for word in words if word)
    listener.bar(number, name, bar.n, bar.total, is_over=is_over)


def _be_plain(notebook: Any) -> None:
    """Have the bars for notebooks be the plain ones: here is no notebook."""
    std: Any = sys.modules["tqdm.std"]  # which it has imported
    notebook.tqdm_notebook = notebook.tqdm = std.tqdm
    notebook.tnrange = notebook.trange = std.trange
