"""What keeps processes small and their start short: imports without what libraries bring along
wherever it happens to be installed, and memory given back that they used for a moment."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import ModuleType


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


@contextmanager
def hollow(*names: str) -> Iterator[None]:
    """Have modules that are not imported yet be empty within the block, whatever is asked of them.

    For a process of our own, as `without`: for what libraries import and need for annotations, or
    for others who import it from them. What is in such a package can be had by its whole name; and
    afterwards it, too, whole.
    """
    made = {name: _Hollow(name) for name in names if name not in sys.modules}
    sys.modules.update(made)
    try:
        yield
    finally:
        for name, module in made.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]
            package, _, last = name.rpartition(".")
            if vars(sys.modules.get(package, module)).get(last) is module:
                delattr(sys.modules[package], last)


@contextmanager
def own_copy(*packages: str, without: Sequence[str]) -> Iterator[None]:
    """Have packages that are imported within the block be a copy that nobody else finds.

    For a process of the user's: `without` is hidden from this thread alone, and who imports the
    packages later gets them whole. Where they are imported already, those are taken.
    """
    before = set(sys.modules)
    finder = _Hidden(without)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in packages and name.partition(".")[0] not in before:
                sys.modules.pop(name, None)


def hold_collector() -> None:
    """Have the garbage collector not run, for a process of our own that imports a great deal.

    Modules stay; it would look at them again and again, at all there are for 20 ms each time.
    """
    gc.disable()


def release_collector() -> None:
    """Have it run again, over what comes from now on. Source: `gc.freeze`."""
    gc.freeze()
    gc.enable()


def trim() -> None:
    """Give back what malloc holds and nobody uses, for a process that has done its imports.

    2 to 3 MB of a stack. Source: malloc_trim(3).
    """
    import ctypes  # here, for who only imports does not need it

    with suppress(OSError, AttributeError):  # another C library than glibc
        ctypes.CDLL(None).malloc_trim(0)


class _Anything:
    """Stands for whatever is imported of a hollow module, and may have arguments of a type."""

    def __class_getitem__(cls, _arguments: object) -> type[_Anything]:
        return cls


class _Hollow(ModuleType):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        import importlib.util  # here, for the smallest processes have nothing to hollow

        top, *inner = name.split(".")
        found = importlib.util.find_spec(top)
        places = (found and found.submodule_search_locations) or ()
        self.__path__ = [os.path.join(place, *inner) for place in places]  # noqa: PTH118 — strings

    def __getattr__(self, name: str) -> type[_Anything]:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything


class _Hidden:
    """Tells the thread that made it that there are no such modules."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = frozenset(names)
        self._thread = threading.get_ident()

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        """Raise where it is one of them, else leave it to the next finder."""
        if name in self._names and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{name} is hidden", name=name)
