"""Classes that travel by value: which of them one another's pickles mean.

cloudpickle gives a class of a notebook an id, and loads each later pickle of it *into* the class
that it knows under that id. So on a worker a newer version of a class would change a function that
was loaded before, and a result that is loaded in a kernel would set the kernel's own class back to
what it was when the job was submitted. A `Classes` keeps them apart.
"""

from __future__ import annotations

import io
import pickle
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from cloudpickle import cloudpickle

from ..blobs.content import Buffer
from .awaited import result_of
from .homes import at_home

_MODULES = (cloudpickle.__name__, result_of.__module__)
_BY_ID = cloudpickle._DYNAMIC_CLASS_TRACKER_BY_ID  # noqa: SLF001  # cloudpickle has no other way
_BY_CLASS = cloudpickle._DYNAMIC_CLASS_TRACKER_BY_CLASS  # noqa: SLF001
_LOCK = cloudpickle._DYNAMIC_CLASS_TRACKER_LOCK  # noqa: SLF001
_set_state = cloudpickle._class_setstate  # noqa: SLF001
_ID_PLACE = {"_make_skeleton_class": 4, "_make_skeleton_enum": 5}
"""Where, among the arguments with which cloudpickle begins a class, its id stands."""


class Classes:
    """The classes that pickles loaded here share; others' they leave as they are."""

    def __init__(self) -> None:
        self._by_id: dict[str, type] = {}

    def load(
        self,
        pickled: Buffer,
        buffers: Iterable[Any] = (),
        results: Callable[[int], Any] = result_of,
    ) -> Any:
        """Return what was pickled, with the classes of this place. Only for one's own pickles.

        `results` brings what stands in the place of jobs. For as long as nothing else is loaded,
        what is pickled next names the same classes.

        Raises:
            Exception: Whatever loading it raises.
        """
        with _LOCK:
            _BY_ID.update(self._by_id)
        own = {**_by(self._begin), "_class_setstate": _set_state, result_of.__name__: results}
        return _Unpickler(io.BytesIO(pickled), own, buffers).load()

    def _begin(self, name: str, args: tuple[Any, ...]) -> type:
        id, made = _made(name, args)
        known = self._by_id.setdefault(id, made)
        with _LOCK:
            _BY_ID[id] = known
            _BY_CLASS[known] = id
        return known


class OwnClasses:
    """The classes of this process itself, which what is loaded here never changes."""

    def __init__(self) -> None:
        self._loaded: weakref.WeakSet[type] = weakref.WeakSet()
        #: Those that came from elsewhere.

    def load(
        self,
        pickled: Buffer,
        buffers: Iterable[Any] = (),
        namespace: dict[str, Any] | None = None,
    ) -> Any:
        """Return what was pickled; where it brings a class of this process, that one is meant.

        Functions of a notebook's have globals of their own, or `namespace` if one is given.

        Raises:
            Exception: Whatever loading it raises.
        """
        own = {**_by(self._begin), "_class_setstate": self._fill}
        if namespace is not None:
            own |= at_home(namespace)
        return _Unpickler(io.BytesIO(pickled), own, buffers).load()

    def _begin(self, name: str, args: tuple[Any, ...]) -> type:
        id, made = _made(name, args)
        with _LOCK:
            known: type = _BY_ID.setdefault(id, made)
            _BY_CLASS[known] = id
        if known is made:
            self._loaded.add(made)
        return known

    def _fill(self, cls: type, state: Any) -> type:
        if cls in self._loaded:
            _set_state(cls, state)
        return cls


class _Unpickler(pickle.Unpickler):
    """Takes some names of cloudpickle's, and of jobs that stand for their results, otherwise."""

    def __init__(
        self, file: io.BytesIO, own: Mapping[str, Callable[..., Any]], buffers: Iterable[Any]
    ) -> None:
        super().__init__(file, buffers=buffers)
        self._own = own

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickle names."""
        if module in _MODULES and name in self._own:
            return self._own[name]
        return super().find_class(module, name)


def _by(begin: Callable[[str, tuple[Any, ...]], type]) -> dict[str, Callable[..., type]]:
    """Return the ways in which cloudpickle begins a class, all by `begin`."""

    def beginning(name: str) -> Callable[..., type]:
        return lambda *args: begin(name, args)

    return {name: beginning(name) for name in _ID_PLACE}


def _made(name: str, args: tuple[Any, ...]) -> tuple[str, type]:
    """Return the id of a class that a pickle brings, and the class, new and empty."""
    at = _ID_PLACE[name]
    made: type = getattr(cloudpickle, name)(*args[:at], None, *args[at + 1 :])
    return args[at], made


OWN_CLASSES = OwnClasses()
"""The kernel's, for results."""
