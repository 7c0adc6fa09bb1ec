"""Wraps the points of a process, as their modules are imported, to append a time to one file.

The clock is `time.monotonic_ns`, which all processes of a machine share. A stamp takes about 2 µs.
"""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import os
import sys
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from .points import POINTS, Point

FILE = "BENCH_HOPS"
"""The variable that names the file."""


class Stamps:
    """Appends lines to the file; a line is short enough to be written whole by any process."""

    def __init__(self, path: str) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def stamp(self, name: str) -> None:
        """Note that a point is reached now."""
        os.write(self._file, f"{time.monotonic_ns()} {name}\n".encode())

    def wrap(self, point: Point, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call`, stamped."""

        @functools.wraps(call)
        def begun(*args: Any, **kwargs: Any) -> Any:
            self.stamp(point.name)
            return call(*args, **kwargs)

        @functools.wraps(call)
        def ended(*args: Any, **kwargs: Any) -> Any:
            value = call(*args, **kwargs)
            if value is not None or not point.only_with_value:
                self.stamp(point.name)
            return value

        return begun if point.at == "begin" else ended


class Finder(importlib.abc.MetaPathFinder):
    """Finds the modules that have points, and has them wrapped once they are loaded."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._modules = {point.module for point in POINTS}

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec that the usual finder has, its loader followed by the wrapping."""
        if name not in self._modules:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                self._put_into(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    def _put_into(self, module: ModuleType) -> None:
        for point in POINTS:
            if point.module != module.__name__:
                continue
            owner, method = point.call.split(".")
            found = getattr(module, owner, None)
            if found is not None and hasattr(found, method):
                setattr(found, method, self._stamps.wrap(point, getattr(found, method)))


def install() -> None:
    """Stamp in this process; before taskkit is imported."""
    sys.meta_path.insert(0, Finder(Stamps(os.environ[FILE])))
