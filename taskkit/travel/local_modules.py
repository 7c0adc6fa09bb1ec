"""Which modules exist here only, so that what they define must travel by value.

A worker can import what is installed, not the files beside a notebook or a test. In between is
what an editable install or `PYTHONPATH` names: it travels by value, for it may have been edited,
and by its name where it cannot.
"""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import cloudpickle

T = TypeVar("T")

_OURS = ("taskkit", "taskkit_server", "taskkit_worker")

_FIND = """
import importlib.util, json, sys
spec = importlib.util.find_spec(sys.argv[1])
places = [spec.origin, *(spec.submodule_search_locations or ())] if spec else []
print(json.dumps([place for place in places if place]))
"""
_FIND_WITHIN_S = 20.0


class LocalModules:
    """Knows the local ones among the imported modules; looks at each module once."""

    def __init__(self) -> None:
        self._installed = tuple(_installed_folders())
        self._seen: set[str] = set()
        self._local: set[str] = set()
        self._mark: tuple[int, str] = (0, "")
        #: How many modules there were and the last one's name: an import changes one of them.
        self._elsewhere: dict[str, bool] = {}
        self._lock = threading.RLock()

    @contextmanager
    def by_value(self, *, only_here: bool = False) -> Iterator[None]:
        """Have cloudpickle send what local modules define by value, within the block.

        only_here: but for those that another Python of this installation can import.
        """
        with self._lock:
            modules = self._find()
            if only_here:
                modules = [module for module in modules if not self._is_elsewhere(module)]
            registered = cloudpickle.list_registry_pickle_by_value()
            # One module may be there under two names.
            named = {module.__name__: module for module in modules}
            new = [module for name, module in named.items() if name not in registered]
            for module in new:
                cloudpickle.register_pickle_by_value(module)
            try:
                yield
            finally:
                for module in new:
                    cloudpickle.unregister_pickle_by_value(module)

    def look(self) -> None:
        """Look at what is imported by now, which a fork then knows, too."""
        with self._lock:
            self._find()

    def is_local(self, name: str) -> bool:
        """Return whether what a module defines travels by value: also where it is not to be had."""
        module = sys.modules.get(name)
        if (
            not isinstance(module, ModuleType)
            or name in cloudpickle.list_registry_pickle_by_value()
        ):
            return True
        with self._lock:
            self._find()
            return name in self._local

    def is_installed(self, file: str) -> bool:
        """Return whether a file is in a folder of this Python's own."""
        return _resolved(file).startswith(self._installed)

    def _find(self) -> list[ModuleType]:
        mark = (len(sys.modules), next(reversed(sys.modules)))
        if mark != self._mark:
            self._mark = mark
            for name in sys.modules.keys() - self._seen:
                self._seen.add(name)
                module = sys.modules.get(name)
                if isinstance(module, ModuleType) and self._is_local(name, module):
                    self._local.add(name)
        # By name: a module that was deleted and imported again is local still.
        found = (sys.modules.get(name) for name in self._local)
        return [module for module in found if isinstance(module, ModuleType)]

    def _is_elsewhere(self, module: ModuleType) -> bool:
        file = str(module.__file__)
        if file not in self._elsewhere:
            self._elsewhere[file] = _is_importable(module.__name__, file)
        return self._elsewhere[file]

    def _is_local(self, name: str, module: ModuleType) -> bool:
        file = getattr(module, "__file__", None)
        if not file or name == "__main__" or name.partition(".")[0] in _OURS:
            return False
        return not _resolved(file).startswith(self._installed)


def _resolved(file: str) -> str:
    """Return where a file really is; a look at each folder on the way only once."""
    # Without `Path`, which takes four times as long, for the hundreds of modules of a kernel.
    if os.path.islink(file):  # noqa: PTH114
        return os.path.realpath(file)
    folder, name = os.path.split(file)
    return os.path.join(_resolved_folder(folder), name)  # noqa: PTH118


@lru_cache(maxsize=4096)
def _resolved_folder(folder: str) -> str:
    return os.path.realpath(folder)


def _installed_folders() -> Iterator[str]:
    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    for folder in (*folders, *site.getsitepackages(), site.getusersitepackages()):
        yield f"{Path(folder).resolve()}/"


def _is_importable(name: str, file: str) -> bool:
    """Ask a fresh Python, which has not what this one added to its path; True where none runs."""
    top = name.partition(".")[0]
    try:
        # -P: without the folder in which it happens to be.
        asked = subprocess.run(  # noqa: S603  # our own command
            [sys.executable, "-P", "-c", _FIND, top],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_FIND_WITHIN_S,
            check=True,
        )
        places = json.loads(asked.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return True
    known = Path(file).resolve()
    return any(known.is_relative_to(Path(place).resolve()) for place in places)


local_modules = LocalModules()
"""The process's own: which modules are imported is a fact of the process."""


def by_value(write: Callable[[object], T], value: object) -> T:
    """Write by value what local modules define; where that fails, by name what others can import.

    Raises:
        Exception: Whatever `write` raises where that fails, too.
    """
    try:
        with local_modules.by_value():
            return write(value)
    except Exception:  # noqa: BLE001  # e.g. a lock among a local module's globals
        with local_modules.by_value(only_here=True):
            return write(value)
