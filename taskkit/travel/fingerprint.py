"""What a call asks for, told in the same bytes by every kernel.

Two kernels that run the same cells pickle the same function differently: in the names of a cell's
file (which hold the kernel's process id), the ids that cloudpickle draws for classes, and the order
of sets of strings (hashes are salted). So a pickle cannot tell whether a cell that runs again after
a restart asks for the same work; a fingerprint can. Comments and empty lines do not change it.
"""

from __future__ import annotations

import io
import pickle
from hashlib import sha256
from types import CodeType
from typing import Any

from cloudpickle.cloudpickle import _DYNAMIC_CLASS_TRACKER_BY_ID as CLASS_IDS

from .cells import Cell
from .pickling import Pickler

_PASSING = ("_cloudpickle_submodules", "__firstlineno__", "__static_attributes__")
"""What functions and classes hold of the moment: what else is imported by now, where in its cell a
class stands, and a tuple that Python 3.13 makes of a set."""

_SORTABLE = (str, bytes, int, float)
_ID_CHARS = 32


def fingerprint(value: object) -> bytes:
    """Return the SHA-256 of all that cloudpickle would write of `value`, but for what passes.

    Raises:
        Exception: Whatever pickling raises for a value that cannot be pickled.
    """
    with io.BytesIO() as file:
        _Fingerprinter(file, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
        return sha256(file.getbuffer()).digest()


class _Fingerprinter(Pickler):
    """Writes what is never read again, so it may leave out and rearrange."""

    def persistent_id(self, obj: Any) -> Any:
        """Return what is written instead of `obj`; None leaves it as it is."""
        kind = type(obj)
        if kind is CodeType:
            return _code(obj)
        if kind is Cell:
            return "a cell", [_code(code) for code in obj.codes()], obj.out
        if kind is set or kind is frozenset:
            return kind.__name__, _in_order(obj)
        if kind is str and len(obj) == _ID_CHARS and obj in CLASS_IDS:
            return "a class's id"
        return None

    def reducer_override(self, obj: Any) -> Any:
        """Return how cloudpickle takes `obj` apart, without what passes."""
        reduced = super().reducer_override(obj)
        if isinstance(reduced, tuple) and len(reduced) > 2:
            for part in reduced[2]:
                for name in _PASSING:
                    part.pop(name, None)
        return reduced


def _code(code: CodeType) -> tuple[object, ...]:
    """Return what makes a difference when it runs; not where it stands."""
    return (
        code.co_name,
        code.co_argcount,
        code.co_posonlyargcount,
        code.co_kwonlyargcount,
        code.co_flags,
        code.co_code,
        code.co_exceptiontable,
        code.co_consts,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
    )


def _in_order(members: set[Any] | frozenset[Any]) -> list[Any]:
    kinds = {type(member) for member in members}
    if len(kinds) == 1 and kinds.issubset(_SORTABLE):
        return sorted(members)
    return sorted(fingerprint(member) for member in members)
