"""Which modules a pickle names, found without loading anything of it.

What travels by name must be importable where it arrives. That is what the pickle itself names (the
classes of its objects, functions and modules that it refers to), and what the code of functions
that travel by value imports when it runs. What a function imports by a name that it computes shows
in neither.
"""

from __future__ import annotations

import io
import opcode
import pickle
from collections.abc import Iterator
from itertools import repeat
from types import CodeType
from typing import Any

import cloudpickle.cloudpickle

from ..blobs.content import Buffer
from ..blobs.manifest import is_packed, read_manifest

MOST_BYTES = 16 * 2**20
"""What is larger is not looked through: it takes as long as to load it."""

_CLOUDPICKLE = cloudpickle.cloudpickle.__name__
_REFERENCES = "taskkit.travel.references"

_IMPORT_NAME = opcode.opmap["IMPORT_NAME"]
_LOAD_CONST = opcode.opmap["LOAD_CONST"]
_EXTENDED_ARG = opcode.EXTENDED_ARG
_FORGIVEN = {"ImportError", "ModuleNotFoundError"}
_DEPTH = 5
"""How deep references within references are followed."""


def mentioned(pickled: Buffer) -> frozenset[str]:
    """Return the dotted names of the modules that a pickle needs where it is loaded and used.

    Of ``from a import b`` both ``a`` and ``a.b``, which may be a module, too. Of what is packed,
    the pickle behind the manifest; where that is apart, nothing. Only for one's own pickles.
    """
    found: set[str] = set()
    _read(pickled, found, _DEPTH)
    return frozenset(found)


def imported(code: CodeType) -> frozenset[str]:
    """Return the modules that code imports when it runs, its inner functions' included.

    Code that catches `ImportError` is taken to do without them.

    >>> sorted(imported(compile("import a.b; from c import d", "", "exec")))
    ['a.b', 'c', 'c.d']
    """
    inner = [imported(const) for const in code.co_consts if isinstance(const, CodeType)]
    return frozenset(_imports(code.co_code, code.co_consts, code.co_names)).union(*inner)


def _read(pickled: Buffer, found: set[str], depth: int) -> None:
    if is_packed(pickled):
        pickled = read_manifest(bytes(pickled))[1]
    if not depth or not 0 < len(memoryview(pickled)) <= MOST_BYTES:
        return
    reader = _Reader(io.BytesIO(pickled), buffers=repeat(b""))
    reader.found, reader.depth = found, depth
    try:
        reader.load()
    except Exception:  # noqa: BLE001  # users' classes write what they like; what was found, counts
        return


class _Reader(pickle.Unpickler):
    """Goes through a pickle and makes nothing of it but numbers, texts and containers."""

    found: set[str]
    depth: int

    def find_class(self, module: str, name: str) -> Any:
        """Note the module, and return what calls nobody."""
        if module == _CLOUDPICKLE:
            return self._of_cloudpickle(name)
        if module == _REFERENCES:
            return self._reference
        self.found.add(module)
        return _Nothing

    def _of_cloudpickle(self, name: str) -> Any:
        match name:
            case "subimport":
                return self._module
            case "_builtin_type":
                return self._builtin_type
        return _Nothing

    def _module(self, name: str) -> _Nothing:
        self.found.add(name)
        return _NOTHING

    def _builtin_type(self, name: str) -> Any:
        return self._code if name == "CodeType" else _Nothing

    def _code(self, *parts: Any) -> _Nothing:
        code = next(part for part in parts if isinstance(part, bytes))
        consts, names = [part for part in parts if isinstance(part, tuple)][:2]
        self.found.update(_imports(code, consts, names))
        return _NOTHING

    def _reference(self, sent: Any = b"") -> _Nothing:
        if isinstance(sent, bytes):
            _read(sent, self.found, self.depth - 1)
        return _NOTHING


class _Nothing:
    """Stands for every object: it takes whatever it is given, and there is only one."""

    __slots__ = ()

    def __new__(cls, *_args: Any, **_kwargs: Any) -> _Nothing:
        return _NOTHING

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        """Take the arguments."""

    def _take(self, *_args: Any) -> None:
        """Take what a pickle would put into an object."""

    __setstate__ = __setitem__ = append = extend = add = _take


_NOTHING: _Nothing = object.__new__(_Nothing)


def _imports(code: bytes, consts: tuple[Any, ...], names: tuple[str, ...]) -> Iterator[str]:
    if not _FORGIVEN.isdisjoint(names):
        return
    #: What the two instructions before have put on the stack: the level, and what is taken from it.
    before: tuple[Any, Any] = (None, None)
    for operation, argument in _instructions(code):
        if operation == _IMPORT_NAME:
            level, taken = before
            if level == 0:  # else it is from within the function's own package
                module = names[argument]
                yield module
                if isinstance(taken, tuple):
                    yield from (f"{module}.{name}" for name in taken if name != "*")
        constant = consts[argument] if operation == _LOAD_CONST else None
        before = (before[1], constant)


def _instructions(code: bytes) -> Iterator[tuple[int, int]]:
    extended = 0
    for at in range(0, len(code), 2):
        operation, argument = code[at], code[at + 1] | extended
        extended = argument << 8 if operation == _EXTENDED_ARG else 0
        if operation != _EXTENDED_ARG:
            yield operation, argument
