"""The function that the doctor has run: as small as can be, and it says that it was there."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType

SAID = "taskkit doctor was here"


def errand() -> Callable[[], str]:
    """Return it as if a notebook had defined it, so that it travels by value.

    A worker of another version may have no module of this name.
    """
    function = FunctionType(_errand.__code__, {"__name__": "__main__"}, "errand")
    function.__module__ = "__main__"
    function.__qualname__ = "errand"
    return function


def _errand() -> str:
    import platform

    from taskkit import progress

    progress(1, 1, "taskkit doctor was here")
    return platform.python_version()
