"""How each kind of object is written that pickle would not tell, or would tell differently."""

from __future__ import annotations

import functools
import types
import typing
from typing import Any

from ..travel.cells import Cell
from ..travel.references import Reference
from . import arrays
from .classes import write_class, write_module
from .functions import write_code, write_function
from .graph import Graph, Writer
from .parts import Part, Unsure, text_bytes

_CACHED = type(functools.lru_cache(len))
_OF_CLASSES = (
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    types.GetSetDescriptorType,
    types.MemberDescriptorType,
)


class Kinds:
    """See `graph.Writers`."""

    def shared(self, obj: object) -> Writer | None:
        """Return the writer of what is the same wherever it is met."""
        match obj:
            case types.FunctionType():
                return write_function
            case type():
                return write_class
            case types.ModuleType():
                return write_module
            case types.BuiltinFunctionType():
                return _write_builtin
            case types.MethodWrapperType():
                return _write_method
        if isinstance(obj, _OF_CLASSES):
            return _write_of_class
        if type(obj).__module__ == "typing" or isinstance(obj, _GENERIC):
            return _write_typing
        return None

    def single(self, obj: object) -> Writer | None:
        """Return the writer of other objects."""
        match obj:
            case types.MethodType():
                return _write_method
            case types.CodeType():
                return write_code
            case types.CellType():
                return _write_cell
            case types.MappingProxyType():
                return _write_mapping
            case Reference():
                return _write_reference
            case Cell():
                return _write_notebook_cell
        for kind, names in _HOLDERS.items():
            if type(obj) is kind:
                return functools.partial(_write_holder, names)
        if isinstance(obj, _CACHED):
            return _write_cached
        return arrays.writer_of(obj)


_OF_HINTS = ("__supertype__", "__bound__", "__constraints__")
_GENERIC = (types.GenericAlias, types.UnionType)

_HOLDERS: dict[type, tuple[str, ...]] = {
    property: ("fget", "fset", "fdel"),
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    functools.cached_property: ("func", "attrname"),
}
"""Kinds that hold others, and where."""


def _write_builtin(graph: Graph, part: Part, function: Any) -> None:
    owner = function.__self__
    if owner is None or isinstance(owner, types.ModuleType):
        module = function.__module__ or getattr(owner, "__name__", None)
        if not module:
            raise Unsure(f"holds `{function.__name__}`, which says no module")
        graph.name(part, module, function.__qualname__)
        return
    part.write("method", text_bytes(function.__name__))
    graph.value(part, owner)


def _write_method(graph: Graph, part: Part, method: Any) -> None:
    part.write("method", text_bytes(method.__name__))
    graph.value(part, method.__self__)
    graph.value(part, getattr(method, "__func__", None))


def _write_of_class(graph: Graph, part: Part, descriptor: Any) -> None:
    part.write("of class", text_bytes(descriptor.__name__))
    graph.value(part, descriptor.__objclass__)


def _write_typing(graph: Graph, part: Part, hint: Any) -> None:
    part.write("hint", text_bytes(f"{type(hint).__qualname__} {hint!r}"))
    own = [getattr(hint, name, None) for name in _OF_HINTS]
    for inner in (typing.get_origin(hint), *typing.get_args(hint), *own):
        graph.value(part, inner)


def _write_holder(names: tuple[str, ...], graph: Graph, part: Part, obj: Any) -> None:
    part.write("holder", type(obj).__qualname__.encode())
    for name in names:
        graph.value(part, getattr(obj, name))


def _write_cached(graph: Graph, part: Part, cached: Any) -> None:
    part.write("cached", b"")
    graph.value(part, cached.cache_parameters())
    graph.value(part, cached.__wrapped__)


def _write_cell(graph: Graph, part: Part, cell: Any) -> None:
    part.write("cell", b"")
    try:
        graph.value(part, (cell.cell_contents,))
    except ValueError:  # it is empty
        graph.value(part, ())


def _write_mapping(graph: Graph, part: Part, mapping: Any) -> None:
    part.write("mapping", b"")
    graph.value(part, dict(mapping))


def _write_reference(graph: Graph, part: Part, reference: Reference) -> None:
    part.write("reference", b"")
    graph.value(part, reference.sent)


def _write_notebook_cell(graph: Graph, part: Part, cell: Cell) -> None:
    part.write("a notebook's cell", b"")
    for code in cell.codes():
        write_code(graph, part, code)
    graph.value(part, cell.out)
