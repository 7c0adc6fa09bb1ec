"""Makes joblib know the backend "taskkit", whichever of the two is imported first.

joblib has no entry points, only a table of its own that a backend must be put in. To import joblib
for that would cost every ``import taskkit`` half a second; so where joblib is not there yet, its
import is waited for.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

NAME = "taskkit"
TABLE = "joblib.parallel"
"""The module that has `register_parallel_backend`."""


def offer() -> None:
    """Register the backend now if joblib is imported, else as soon as it is."""
    module = sys.modules.get(TABLE)
    if module is not None:
        register(module)
    elif not any(isinstance(finder, Waiting) for finder in sys.meta_path):
        sys.meta_path.insert(0, Waiting())


def register(module: ModuleType) -> None:
    """Put the backend into joblib's table. Source: `joblib.register_parallel_backend`."""
    # A joblib that is half imported, by another thread, has no such function yet.
    if hasattr(module, "register_parallel_backend"):
        module.register_parallel_backend(NAME, backend)


def backend(**options: Any) -> Any:
    """Return a new backend; joblib calls it with what `parallel_config` was given."""
    # By name, as `taskkit` loads its own: a plain install has no joblib.
    return import_module(".joblib", __package__).TaskkitBackend(**options)


class Waiting:
    """The first in `sys.meta_path`, until joblib is imported. Finds no module itself."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return joblib's spec with a loader that registers; of any other module, nothing."""
        if name != TABLE:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = Registering(spec.loader)  # type: ignore[assignment]
                return spec
        return None


class Registering:
    """Loads joblib's module by its own loader, and then registers."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the module's own loader."""
        module: ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run the module as if nobody had waited for it, and register."""
        sys.meta_path[:] = [each for each in sys.meta_path if not isinstance(each, Waiting)]
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        register(module)
