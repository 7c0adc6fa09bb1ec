"""All that a call is made of, followed from object to object, each part under a label of its own.

A **part** is what a reader would say has changed: the code of a function, a global, a default. What
has code of its own (functions, classes, whole modules) is one wherever it is met, so that circles
end. A value is told whole where it is met first, and by its place there from then on, for it makes
a difference whether two lists are one.
"""

from __future__ import annotations

import copyreg
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from .parts import Part, Unsure, alike, atom, text_bytes
from .versions import Versions

MOST_VALUES = 2_000_000
"""So many values are looked at: a few seconds. An array counts as one, as does a list of floats."""


class Writer(Protocol):
    """Writes objects of one kind into a part."""

    def __call__(self, graph: Graph, part: Part, obj: Any, /) -> None:
        """Write one; raises `Unsure`."""


class Writers(Protocol):
    """Knows how some kinds of objects are written; see `kinds`."""

    def shared(self, obj: object) -> Writer | None:
        """Return the writer of what is the same wherever it is met: functions, classes, names."""

    def single(self, obj: object) -> Writer | None:
        """Return the writer of other objects that pickle would not tell well."""


class Graph:
    """Follows objects, and hashes what it finds."""

    def __init__(self, versions: Versions, writers: Writers) -> None:
        self.versions = versions
        self.parts: dict[str, Part] = {}
        self.reasons: dict[str, None] = {}
        #: Why something cannot be told from something else, in words.
        self.docs: list[object] = []
        #: What has a docstring, which counts only where one is read.
        self.reads_docs = False
        self._writers = writers
        self._labels: dict[int, str] = {}
        #: Of what is a part of its own, by `id`.
        self._places: dict[int, str] = {}
        #: Of other objects, by `id`: in which part, and the how manyeth of it.
        self._beside: dict[tuple[str, int], str] = {}
        #: Of what has a label of its own, as a global: the part's name.
        self._kept: list[object] = []
        #: So that none of those ids is given to another object.
        self._waiting: deque[Callable[[], None]] = deque()
        self._values = 0

    def copy(self) -> Graph:
        """Return a graph that has met what this one has, and goes on for itself."""
        other = Graph(self.versions.copy(), self._writers)
        other.parts, other.reasons = dict(self.parts), dict(self.reasons)
        other.docs, other.reads_docs = list(self.docs), self.reads_docs
        other._labels, other._places = dict(self._labels), dict(self._places)
        other._beside, other._kept = dict(self._beside), list(self._kept)
        return other

    def part(self, label: str) -> Part:
        """Return a new part; another one of the same label gets a number."""
        number, name = 1, label
        while name in self.parts:
            number += 1
            name = f"{label}#{number}"
        self.parts[name] = part = Part(name)
        return part

    def follow(self) -> None:
        """Take in all that was met."""
        while self._waiting:
            self._waiting.popleft()()

    def finish(self) -> None:
        """Take in the rest, when all that is asked for was met."""
        self.follow()
        if self.reads_docs:
            part = self.part("docs")
            for documented in self.docs:
                self.write(part, getattr(documented, "__doc__", None))

    def write(self, part: Part, obj: Any, what: str = "") -> None:
        """Write a value into a part; where it cannot be told from others, note that."""
        try:
            self.value(part, obj)
        except Unsure as error:
            self.doubt(f"{what} {error}".strip())
        except RecursionError:
            self.doubt(f"{what} is nested too deep".strip())

    def doubt(self, reason: str) -> None:
        """Note that something cannot be told from something else."""
        self.reasons[reason] = None

    # For those who write one kind of object

    def whole(self, obj: object, label: str, take: Callable[[Part], None]) -> str:
        """Return the name of the part that an object is; `take` looks into it later, once."""
        name = self._labels.get(id(obj))
        if name is None:
            part = self.part(label)
            self._labels[id(obj)] = name = part.name
            self._kept.append(obj)
            self._waiting.append(lambda: take(part))
        return name

    def beside(self, label: str, value: object, take: Callable[[Part], None]) -> str:
        """Return the name of the part that a value has under a label; `take` writes it, once."""
        name = self._beside.get((label, id(value)))
        if name is None:
            part = self.part(label)
            self._beside[label, id(value)] = name = part.name
            self._kept.append(value)
            take(part)
        return name

    def is_shared(self, obj: object) -> bool:
        """Return whether an object is the same wherever it is met: it has code or a name."""
        return self._writers.shared(obj) is not None or global_name(obj, self.versions) is not None

    def value(self, part: Part, obj: Any) -> None:
        """Write one value into a part.

        Raises:
            Unsure: It cannot be told from others like it.
        """
        self._values += 1
        if self._values > MOST_VALUES:
            raise Unsure(f"has more than {MOST_VALUES:,} values: send it by `client.put`")
        if (plain := atom(obj)) is not None:
            part.write(*plain)
        elif type(obj) is tuple:
            self.sequence(part, "tuple", obj)
        elif type(obj) is frozenset:
            self.sequence(part, "frozenset", self._in_order(obj))
        elif (writer := self._writers.shared(obj)) is not None:
            writer(self, part, obj)
        elif (found := global_name(obj, self.versions)) is not None:
            self.name(part, *found)
        elif self._is_new(part, obj):
            self._single(part, obj)

    def sequence(self, part: Part, tag: str, values: Sequence[Any]) -> None:
        """Write several values into a part, in their order."""
        part.write(tag, str(len(values)).encode())
        same = alike(values) if values else None
        if same is not None:
            part.write(*same)
            return
        for value in values:
            self.value(part, value)

    def name(self, part: Part, module: str, name: str) -> None:
        """Write what is found by its name, in a module that is installed."""
        if why := self.versions.note(module):
            raise Unsure(why)
        part.write("name", text_bytes(f"{module}:{name}"))

    def reduced(self, part: Part, obj: Any) -> None:
        """Write an object as pickle takes it apart. Source: `object.__reduce_ex__`."""
        reduce = copyreg.dispatch_table.get(type(obj))
        try:
            taken: Any = reduce(obj) if reduce is not None else obj.__reduce_ex__(4)
        except Exception as error:  # users' classes raise what they like
            raise Unsure(f"holds {_a(type(obj))}, which cannot be pickled") from error
        if isinstance(taken, str):
            self.name(part, getattr(obj, "__module__", None) or type(obj).__module__, taken)
            return
        begin, args, state, listed, items = (*taken, None, None, None)[:5]
        part.write("object")
        self.value(part, begin)
        self.value(part, args)
        self.value(part, state)
        self.sequence(part, "listed", list(listed or ()))
        self.sequence(part, "items", [tuple(item) for item in items or ()])

    def _single(self, part: Part, obj: Any) -> None:
        kind = type(obj)
        if kind is list:
            self.sequence(part, "list", obj)
        elif kind is dict:
            # In their order, for that is the order in which code goes through them.
            self.sequence(part, "keys", list(obj))
            self.sequence(part, "values", list(obj.values()))
        elif kind is set:
            self.sequence(part, "set", self._in_order(obj))
        elif (writer := self._writers.single(obj)) is not None:
            writer(self, part, obj)
        else:
            self.reduced(part, obj)

    def _is_new(self, part: Part, obj: object) -> bool:
        """Write where an object was told before; return whether it was not."""
        place = self._places.get(id(obj))
        if place is not None:
            part.write("as before", text_bytes(place))
            return False
        self._kept.append(obj)
        part.told += 1
        self._places[id(obj)] = f"{part.name}:{part.told}"
        return True

    def _in_order(self, members: Iterable[Any]) -> list[Any]:
        """Return the members of a set in an order that does not change from kernel to kernel."""
        kinds = set(map(type, members))
        if len(kinds) == 1 and kinds <= {int, str, bytes}:
            return sorted(members)
        by_digest = [(self._alone(member), n, member) for n, member in enumerate(members)]
        return [member for _, _, member in sorted(by_digest, key=lambda one: one[:2])]

    def _alone(self, member: object) -> str:
        other, part = Graph(self.versions, self._writers), Part()
        other.value(part, member)
        other.finish()
        for name, each in other.parts.items():
            part.write(name, each.digest().encode())
        return part.digest()


def global_name(obj: Any, versions: Versions) -> tuple[str, str] | None:
    """Return the module and the name in it by which a worker finds an object, or None."""
    module, name = getattr(obj, "__module__", None), getattr(obj, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or versions.is_local(module):
        return None
    found: Any = sys.modules.get(module)
    for step in name.split("."):
        found = getattr(found, step, None)
    return (module, name) if found is obj else None


def _a(kind: type) -> str:
    name = (
        kind.__qualname__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__qualname__}"
    )
    return f"a `{name}`"
