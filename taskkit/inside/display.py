"""`display`: figures, tables and pictures of a running job, where the job is shown."""

from __future__ import annotations

import sys
from typing import Any

from .media import media_of
from .place import place


def display(*shown: object, name: str | None = None) -> None:
    """Show objects in this job's panel, as Jupyter would in a cell.

    That is: figures of matplotlib, data frames, images, and whatever else has a rich form, such as
    ``_repr_html_`` or ``_repr_png_``; of everything else the repr.
    What is displayed under a `name` takes the place of what was so called; of what has none, the
    last few are kept. Objects are drawn at once, so they may change afterwards. A figure has at
    most 512 KiB; one of matplotlib's is drawn with fewer dots an inch where it would be larger.

    Outside a job it is Jupyter's own display, or prints where there is no Jupyter.

    Raises:
        TypeError: Several objects are to have one name, or the name is not a string.

    >>> display([1, 2], name="pair")
    [1, 2]
    """
    if name is not None and (not isinstance(name, str) or len(shown) != 1):
        raise TypeError("display() takes one object where it has a name, and the name is a string")
    if place.listener is None or place.is_kernel:
        _display_here(shown, name)
        return
    for thing in shown:
        media = media_of(thing)
        place.listener.display(name, media.media_type, media.data, media.text)


def notebooks_display(*shown: object, display_id: object = None, **_: object) -> None:
    """Do in a job what IPython's own `display` does in a cell; it is there without an import.

    A `display_id` is a name. The other options are for front ends that a job has none of.
    """
    is_name = isinstance(display_id, str) and len(shown) == 1
    display(*shown, name=str(display_id) if is_name else None)


_handles: dict[str, tuple[int, Any]] = {}
"""IPython's handles by name, and in which cell's execution each was made."""


def _display_here(shown: tuple[object, ...], name: str | None) -> None:
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if shell is None:
        for thing in shown:
            print(repr(thing))  # noqa: T201 - what it is for, where there is only text
        return
    show: Any = sys.modules["IPython"].display.display
    if name is None:
        show(*shown)
        return
    made_in, handle = _handles.get(name, (-1, None))
    if made_in == shell.execution_count:
        handle.update(*shown)
    else:
        _handles[name] = shell.execution_count, show(*shown, display_id=True)
