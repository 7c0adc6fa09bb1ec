"""Functions: their code, what it reads of the notebook, their defaults and what they enclose."""

from __future__ import annotations

import builtins
import importlib
import sys
from types import CodeType, FunctionType, ModuleType
from typing import Any

from .codes import Import, Read, imports, instructions_of, mentions, reads
from .graph import Graph, global_name
from .parts import Part, Unsure, text_bytes

_BY_TEXT = frozenset({"eval", "exec", "compile", "__import__", "globals"})
"""Builtins that reach what no name in the code tells of."""

_BY_NAME = {"importlib": {"import_module"}, "sys": {"modules"}, "runpy": {"run_path", "run_module"}}
"""What reaches modules that no name in the code tells of."""

_ANY_MODULE = (importlib.import_module, sys.modules)

_DOCS = frozenset({"__doc__", "getdoc"})


def write_function(graph: Graph, part: Part, function: FunctionType) -> None:
    """Write which function it is: by its name where it is installed, else by what it does."""
    found = global_name(function, graph.versions)
    if found is not None:
        graph.name(part, *found)
        return
    label = f"code:{short(function.__qualname__)}"
    name = graph.whole(function, label, lambda own: _take(graph, own, function))
    part.write("part", text_bytes(name))


def write_code(graph: Graph, part: Part, code: CodeType) -> None:
    """Write what code does."""
    known = instructions_of(code)
    graph.sequence(part, "code", known.head)
    part.write("length", str(len(known.instructions)).encode())
    for one in known.instructions:
        part.write("do", one.name.encode())
        if one.is_constant and isinstance(one.argument, CodeType):
            write_code(graph, part, one.argument)
        else:
            graph.value(part, one.argument)
    graph.sequence(part, "handlers", known.handlers)


def short(qualname: str) -> str:
    """Return a name as a reader knows it."""
    return qualname.replace("<locals>.", "")


def _take(graph: Graph, part: Part, function: FunctionType) -> None:
    name = f"`{short(function.__qualname__)}`"
    graph.docs.append(function)
    graph.write(part, (function.__name__, function.__qualname__))
    try:
        write_code(graph, part, function.__code__)
    except Unsure as error:
        graph.doubt(f"{name} {error}")
    graph.write(part, function.__dict__, name)
    graph.write(part, function.__annotations__, name)
    _take_defaults(graph, function)
    for variable, cell in zip(
        function.__code__.co_freevars, function.__closure__ or (), strict=True
    ):
        try:
            enclosed = cell.cell_contents
        except ValueError:  # an empty cell: assigned later, or never
            continue
        _beside(graph, part, f"closure:{short(function.__qualname__)}.{variable}", enclosed)
    module = function.__module__ or "__main__"
    if not graph.versions.is_local(module):
        # Its code came with a version, and so did what it reads.
        if why := graph.versions.note(module):
            graph.doubt(f"{name}: {why}")
        return
    _take_mentions(graph, function, name)
    for read in reads(function.__code__):
        _take_global(graph, part, function, read)


def _take_defaults(graph: Graph, function: FunctionType) -> None:
    code, defaults = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(defaults) : code.co_argcount]
    given = {**dict(zip(names, defaults, strict=True)), **(function.__kwdefaults__ or {})}
    for name, value in given.items():
        part = graph.part(f"default:{short(function.__qualname__)}.{name}")
        graph.write(part, value, f"the default of `{name}`")


def _take_mentions(graph: Graph, function: FunctionType, name: str) -> None:
    """Look for what code reaches otherwise than by the names of globals."""
    mentioned = mentions(function.__code__)
    graph.reads_docs |= not _DOCS.isdisjoint(mentioned)
    for way in sorted(mentioned & _BY_TEXT):
        if way not in function.__globals__ and hasattr(builtins, way):
            graph.doubt(f"{name} uses `{way}`, which may reach anything")
    for one in imports(function.__code__):
        module = _absolute(one, function)
        if why := graph.versions.note(module):
            graph.doubt(f"{name}: {why}")
        if not mentioned.isdisjoint(_BY_NAME.get(module, ())):
            graph.doubt(f"{name} uses `{module}`, which may reach any module")


def _absolute(one: Import, function: FunctionType) -> str:
    if not one.level:
        return one.module
    package = str(function.__globals__.get("__package__") or "").split(".")
    return ".".join(filter(None, [*package[: len(package) + 1 - one.level], one.module]))


def _take_global(graph: Graph, part: Part, function: FunctionType, read: Read) -> None:
    namespace = function.__globals__
    if read.name not in namespace:  # a builtin, or nothing at all: then it is not there
        return
    value, module = namespace[read.name], function.__module__
    label = read.name if module in (None, "__main__") else f"{module}.{read.name}"
    for attribute in read.attributes:
        if not isinstance(value, ModuleType):
            break
        if attribute in _BY_NAME.get(value.__name__, ()):
            graph.doubt(f"`{short(function.__qualname__)}` uses `{value.__name__}.{attribute}`")
        if not graph.versions.is_local(value.__name__):
            break
        label = f"{value.__name__}.{attribute}"
        if not hasattr(value, attribute):
            break
        value = getattr(value, attribute)
    if any(value is one for one in _ANY_MODULE):
        graph.doubt(f"`{short(function.__qualname__)}` uses `{read.name}`")
    _beside(graph, part, f"global:{label}", value)


def _beside(graph: Graph, part: Part, label: str, value: Any) -> None:
    """Count a value under a label of its own; what has one already, or a name, here."""
    if graph.is_shared(value):
        part.write("beside", text_bytes(label))
        graph.write(part, value, f"`{label.partition(':')[2]}`")
        return
    own = graph.beside(label, value, lambda own: graph.write(own, value, f"`{_last(label)}`"))
    part.write("beside", text_bytes(own))


def _last(label: str) -> str:
    return label.partition(":")[2].rpartition(".")[2]
