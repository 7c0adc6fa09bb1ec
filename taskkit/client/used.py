"""Which packages a submission uses: its function, and what its arguments are made of.

A function is looked at once, and so is each combination of kinds of arguments, as far as the top
levels show them: a job that is like one before costs a microsecond.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from types import FunctionType
from typing import Any, NamedTuple

from ..travel.cells import Cell
from ..travel.chunks import Chunk
from ..travel.distributions import DISTRIBUTIONS, Distributions, Uses
from ..travel.mentions import imported, mentioned

MOST_KNOWN = 256
"""How many functions, and how many combinations of kinds, are remembered."""

FEW = 3
"""How many members of a list, or of another container, are looked at."""

_PLAIN = frozenset({int, float, str, bytes, bool, complex, type(None), range, slice})
_CONTAINERS = frozenset({list, tuple, set, frozenset})
_LEVELS = 2

NOTHING = Uses(packages={}, files={})

_NONE: frozenset[str] = frozenset()


class Looks(NamedTuple):
    """A call, as far as one sees what it mentions."""

    function: str
    #: The digest of its function.
    pickle: bytes
    #: That of the function.
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    payload: bytes
    #: Their pickle.


class Used:
    """Of one client."""

    def __init__(self, distributions: Distributions = DISTRIBUTIONS) -> None:
        self._distributions = distributions
        self._modules: dict[object, frozenset[str]] = {}
        #: Of functions by their digests, and of kinds of arguments.
        self._uses: dict[frozenset[str], Uses] = {}

    def modules(self, looks: Looks) -> frozenset[str]:
        """Return the modules that a call mentions, by its function or its arguments."""
        known = self._modules.get(looks.function)
        if known is None:
            known = self._noted(looks.function, mentioned(looks.pickle))
        found = self._of_arguments(looks)
        return known | found if found else known

    def _of_arguments(self, looks: Looks) -> frozenset[str]:
        kinds: set[type] = set()
        _add_kinds(looks.args, kinds, _LEVELS)
        if looks.kwargs:
            _add_kinds(looks.kwargs.values(), kinds, _LEVELS)
        if not kinds:
            return _NONE
        if any(map(_is_varied, kinds)):  # such as functions: one is not like another
            return _NONE.union(mentioned(looks.payload), *_apart(looks.args))
        key = frozenset(kinds)
        known = self._modules.get(key)
        return self._noted(key, mentioned(looks.payload)) if known is None else known

    def uses(self, modules: frozenset[str]) -> Uses:
        """Return what some modules come from."""
        if not modules:
            return NOTHING
        found = self._uses.get(modules)
        if found is None:
            found = self._distributions.uses(modules)
            if len(self._uses) >= MOST_KNOWN:
                self._uses.clear()
            self._uses[modules] = found
        return found

    def _noted(self, key: object, modules: frozenset[str]) -> frozenset[str]:
        if len(self._modules) >= 2 * MOST_KNOWN:
            self._modules.clear()
        self._modules[key] = modules
        return modules


def _add_kinds(values: Iterable[Any], kinds: set[type], levels: int) -> None:
    for value in values:
        kind = type(value)
        if kind in _PLAIN:
            continue
        if levels and kind in _CONTAINERS:
            _add_kinds(islice(value, FEW), kinds, levels - 1)
        elif levels and kind is dict:
            _add_kinds(islice(value.values(), FEW), kinds, levels - 1)
        elif kind not in _CONTAINERS and kind is not dict:
            kinds.add(kind)


def _is_varied(kind: type) -> bool:
    """Return whether what is of a kind may be made of anything."""
    if kind in (FunctionType, Chunk, Cell) or issubclass(kind, type):
        return True
    return kind.__module__.partition(".")[0] in ("__main__", "functools", "joblib", "builtins")


def _apart(args: Sequence[Any]) -> Iterable[frozenset[str]]:
    """Return the modules of what is within arguments as texts and pickles of their own."""
    for value in args:
        if type(value) is Chunk:
            yield mentioned(value.pickles[0])  # the others' calls are mostly like these
        elif type(value) is Cell:
            with suppress(SyntaxError):  # which the worker tells
                yield frozenset().union(*map(imported, value.codes()))
