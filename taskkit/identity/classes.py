"""Classes and modules: by their names where they are installed, else by what they define."""

from __future__ import annotations

import abc
from types import ModuleType
from typing import Any

from .functions import short
from .graph import Graph, global_name
from .parts import Part, text_bytes

_PASSING = frozenset(
    {
        "__dict__",
        "__weakref__",
        "__doc__",
        "__module__",
        "__firstlineno__",
        "__static_attributes__",
        "_abc_impl",
        "__abstractmethods__",
    }
)
"""What a class holds of where it stands, or what follows from the rest."""


def write_class(graph: Graph, part: Part, cls: type) -> None:
    """Write which class it is."""
    found = global_name(cls, graph.versions)
    if found is None and cls.__module__ == "builtins":  # such as that of None, which has no name
        found = "builtins", cls.__qualname__
    if found is not None:
        graph.name(part, *found)
        return
    label = f"class:{short(cls.__qualname__)}"
    name = graph.whole(cls, label, lambda own: _take_class(graph, own, cls))
    part.write("part", text_bytes(name))


def write_module(graph: Graph, part: Part, module: ModuleType) -> None:
    """Write which module it is; what a local one holds, all of it."""
    if not graph.versions.is_local(module.__name__):
        graph.name(part, module.__name__, "")
        return
    label = f"module:{module.__name__}"
    name = graph.whole(module, label, lambda own: _take_module(graph, own, module))
    part.write("part", text_bytes(name))


def _take_class(graph: Graph, part: Part, cls: type) -> None:
    what = f"the class `{short(cls.__qualname__)}`"
    graph.docs.append(cls)
    graph.write(part, (cls.__module__, cls.__qualname__))
    graph.write(part, (type(cls), cls.__bases__), what)
    for name, value in list(vars(cls).items()):
        if name not in _PASSING:
            part.write("attribute", text_bytes(name))
            graph.write(part, value, what)
    if isinstance(cls, abc.ABCMeta):
        graph.write(part, frozenset(_registered(cls)), what)


def _registered(cls: Any) -> list[type]:
    """Return the classes that count as subclasses though they do not derive from one."""
    references = abc._get_dump(cls)[0]  # type: ignore[attr-defined]  # noqa: SLF001  # the only way
    return [found for reference in references if (found := reference()) is not None]


def _take_module(graph: Graph, part: Part, module: ModuleType) -> None:
    for name, value in list(vars(module).items()):
        if not (name.startswith("__") and name.endswith("__")):
            part.write("attribute", text_bytes(name))
            graph.write(part, value, f"`{module.__name__}.{name}`")
