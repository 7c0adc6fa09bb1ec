"""cloudpickle, with what it leaves out: classes with slots, and functions with a cache."""

from __future__ import annotations

import functools
import io
import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import cloudpickle

OnBuffer = Callable[[pickle.PickleBuffer], Any]
"""Decides of a buffer whether it is left out of the pickle. Source: PEP 574."""

_CACHED = type(functools.lru_cache(len))
_SKELETON = "_make_skeleton_class"
_KEYWORDS = 3
"""Where, among the arguments of cloudpickle's `_make_skeleton_class`, the class's own are."""


class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Writes what notebooks hold."""

    def reducer_override(self, obj: Any) -> Any:
        """Return how `obj` is taken apart."""
        if isinstance(obj, _CACHED) and not _is_importable(obj):
            return new_cache, (obj.cache_parameters(),), obj.__wrapped__, None, None, fill_cache
        reduced = super().reducer_override(obj)
        if isinstance(obj, type) and _has_own_slots(obj) and isinstance(reduced, tuple):
            begin, args = reduced[:2]
            if getattr(begin, "__name__", "") == _SKELETON:
                # cloudpickle 3.1 leaves the slots out, and their values find no place.
                args[_KEYWORDS]["__slots__"] = obj.__slots__  # type: ignore[attr-defined]
        return reduced


def _has_own_slots(cls: type) -> bool:
    """Return whether a class says which slots it has; a `NamedTuple` is refused what it says."""
    bases = cls.__dict__.get("__orig_bases__", ())
    return "__slots__" in cls.__dict__ and NamedTuple not in bases


def dumps(value: object, buffer_callback: OnBuffer | None = None) -> bytes:
    """Return the pickle of `value`, of the highest protocol.

    Raises:
        Exception: Whatever pickling raises for a value that cannot be pickled.
    """
    with io.BytesIO() as file:
        protocol = pickle.HIGHEST_PROTOCOL
        Pickler(file, protocol=protocol, buffer_callback=buffer_callback).dump(value)
        return file.getvalue()


class _Later:
    """Calls a function that it is given later: one that calls itself needs its cache first."""

    function: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def new_cache(parameters: dict[str, Any]) -> Any:
    """Return an empty cache of a function that is told later."""
    return functools.lru_cache(**parameters)(_Later())


def fill_cache(cached: Any, function: Callable[..., Any]) -> Any:
    """Tell a cache its function."""
    cached.__wrapped__.function = function
    return functools.update_wrapper(cached, function)


def _is_importable(cached: Any) -> bool:
    """Return whether a worker finds the cache where this process has it."""
    try:
        pickle.dumps(cached)
    except Exception:  # noqa: BLE001  # it is not where its name says
        return False
    module = getattr(cached, "__module__", None)
    return module != "__main__" and module not in cloudpickle.list_registry_pickle_by_value()
