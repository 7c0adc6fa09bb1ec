"""What a call is, from all that may change its result: the same in every kernel, or none."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from types import FunctionType
from typing import Any

from ..protocol.identity import (
    KEY_CHARS,
    MARK_CHARS,
    MOST_PARTS,
    PART_CHARS,
    REASON_CHARS,
    Identity,
)
from ..travel.awaited import Awaited, by_place
from ..travel.functions import PYTHON_MINOR
from ..travel.references import noting
from .graph import Graph
from .kinds import Kinds
from .parts import atom
from .versions import Versions

SHORT_CHARS = 12
"""How much of a part's digest is kept, to be compared with the one before."""

_FORM = "1"
"""Of the keys: another number, and all calls count as new."""

_KINDS = Kinds()

_LAST = ("argument:", "names:", "package:")
"""What there may be most of: left out first where there are too many parts to tell of."""


class Calls:
    """The calls of one function: what that is, is looked at once."""

    def __init__(
        self, function: Callable[..., Any], declared: Mapping[str, str] | None = None
    ) -> None:
        self._function = function
        self._graph = Graph(Versions(declared or {}), _KINDS)
        with by_place(()), noting():
            self._graph.write(self._graph.part("call"), function, "the function")
            # What is met in the function is told there: the arguments do not change its parts.
            self._graph.follow()
        self._parts = {name: part.digest() for name, part in self._graph.parts.items()}

    def identify(
        self,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        *,
        jobs: Sequence[Awaited] = (),
        has_place: bool = False,
    ) -> Identity:
        """Return what a call is made of.

        Without a key where something of it cannot be told from something else like it: then
        `unsure` says what. `jobs` are those among its arguments, in the order in which the ledger
        is told of them. `has_place` is of one call of many, which is compared with none but those
        of equal arguments.
        """
        graph = self._graph.copy()
        with by_place(jobs), noting():
            for name, value in _arguments(self._function, args, kwargs):
                graph.write(graph.part(f"argument:{name}"), value, f"the argument `{name}`")
            graph.finish()
        found = dict(self._parts)
        for name, part in graph.parts.items():
            if name not in found:
                found[name] = part.digest()
        found |= {f"package:{name}": text for name, text in graph.versions.found().items()}
        found["python:"] = PYTHON_MINOR
        name = name_of(self._function)
        return made_of(found, name, "; ".join(graph.reasons), has_place=has_place)


def identify(
    function: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    declared: Mapping[str, str] | None = None,
) -> Identity:
    """Return what one call is made of; see `Calls`."""
    return Calls(function, declared).identify(args, kwargs)


def made_of(
    parts: Mapping[str, str], name: str, unsure: str = "", *, has_place: bool = False
) -> Identity:
    """Return the identity of a call of these parts."""
    arguments = {part: mark for part, mark in parts.items() if part.startswith("argument:")}
    topics = f"{name} {digest_of(arguments)}", *([] if has_place else [name])
    return Identity(
        key="" if unsure else digest_of(parts),
        topics=tuple(digest_of(topic) for topic in topics),
        parts=few(parts),
        unsure=unsure[:REASON_CHARS],
    )


def name_of(function: Callable[..., Any]) -> str:
    """Return what tells a function from others of the notebook, whatever it does."""
    inner = getattr(function, "func", function)
    return str(getattr(inner, "__qualname__", None) or type(function).__qualname__)


def digest_of(parts: Mapping[str, str] | str) -> str:
    """Return the SHA-256 of parts and the form of keys."""
    text = json.dumps([_FORM, parts], sort_keys=True)
    return sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:KEY_CHARS]


def few(parts: Mapping[str, str]) -> dict[str, str]:
    """Return parts as they are kept, to say later which have changed: few and short."""
    shown = [name for name in parts if name != "call"]
    shown.sort(key=lambda name: (name.startswith(_LAST), name))
    return {
        name[:PART_CHARS]: parts[name][
            : MARK_CHARS if name.startswith(("package:", "python:")) else SHORT_CHARS
        ]
        for name in shown[:MOST_PARTS]
    }


def _arguments(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> list[tuple[str, Any]]:
    """Return the arguments by their parameters, without those that only repeat a default."""
    bare = [*((str(n), value) for n, value in enumerate(args)), *kwargs.items()]
    if type(function) is not FunctionType or hasattr(function, "__signature__"):
        return bare
    signature = inspect.signature(function, follow_wrapped=False)
    try:
        bound = signature.bind(*args, **kwargs).arguments
    except TypeError:  # the worker tells
        return bare
    return [
        (name, value)
        for name, value in bound.items()
        if not _is_same(value, signature.parameters[name].default)
    ]


def _is_same(value: object, default: object) -> bool:
    plain = atom(value)
    return plain is not None and plain == atom(default)
