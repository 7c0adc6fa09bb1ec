"""Imports without what libraries bring along wherever it happens to be installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Have modules that are not imported yet not be importable within the block.

    For a process of our own, before it has other threads: libraries go without what they can do
    without. What is hidden can be imported afterwards.
    """
    hidden = [name for name in names if name not in sys.modules]
    # Source: "The import system", "The module cache": None there means that there is none.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
