"""The body of a notebook's cell on its way to a worker, and what it came to on its way back."""

from __future__ import annotations

import ast
import inspect
import linecache
import pickle
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from .blame import blame
from .classes import OWN_CLASSES
from .local_modules import by_value
from .pickling import dumps
from .values import preview

_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_MOST_NAMED = 5
"""How many names a preview tells."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The text of a cell, and what is asked of it. Its first line, the magic's, is not run."""

    text: str
    #: All of it, so that line numbers are those that its author sees.
    file: str
    #: What tracebacks call it.
    has_value: bool = False
    #: Whether the last statement is an expression whose value is wanted.
    assigned: tuple[str, ...] = ()
    #: The names that it assigns, sorted.
    out: tuple[str, ...] = ()
    #: Which names to bring back; all that it assigns where there are none.
    unknown: tuple[str, ...] = ()
    #: What it may read before it has assigned it, and the notebook did not have.

    def show(self) -> None:
        """Have tracebacks in this process show the cell's lines."""
        lines = [f"{line}\n" for line in self.text.split("\n")]
        linecache.cache[self.file] = (len(self.text), None, lines, self.file)

    def tree(self) -> ast.Module:
        """Return its statements, each in the line where it is in the cell.

        Raises:
            SyntaxError: It is no Python.
        """
        return ast.parse("\n" + self.text.partition("\n")[2], self.file)

    def codes(self) -> list[CodeType]:
        """Return what is to be run: the statements, and then the last expression, if wanted.

        Raises:
            SyntaxError: It is no Python.
        """
        tree = self.tree()
        last = tree.body.pop() if self.has_value else None
        codes = [compile(tree, self.file, "exec", flags=_FLAGS, dont_inherit=True)]
        if isinstance(last, ast.Expr):
            value = ast.Expression(last.value)
            codes.append(compile(value, self.file, "eval", flags=_FLAGS, dont_inherit=True))
        return codes


def run_cell(cell: Cell, *, names: FunctionType) -> CellResult:
    """Run a cell among the globals of `names`, a function that reads what the cell reads.

    By it the cell's names are the globals of every function of the notebook that travels along, as
    they are in the notebook.

    Raises:
        NameError: It has ended without a name that is asked for.
        TypeError: A name that is asked for cannot be pickled.
        BaseException: Whatever it raises.
    """
    namespace = names.__globals__
    before = dict(namespace)
    cell.show()
    value = None
    try:
        codes = cell.codes()
        if any(map(_is_awaiting, codes)):
            value = _run_awaiting(codes, namespace)
        else:
            for code in codes:
                value = eval(code, namespace)  # noqa: S307  # what the job is for
    except NameError as error:
        if error.name in cell.unknown:
            error.add_note(
                f"The notebook had no {error.name!r} when this cell was submitted, and the cell "
                "does not assign it before."
            )
        raise
    return _result(cell, _bound(cell, before, namespace), value)


def _is_awaiting(code: CodeType) -> bool:
    return bool(code.co_flags & inspect.CO_COROUTINE)


def _run_awaiting(codes: Sequence[CodeType], namespace: dict[str, Any]) -> Any:
    import asyncio  # a worker that meets no such cell does without

    async def run() -> Any:
        value = None
        for code in codes:
            value = eval(code, namespace)  # noqa: S307  # what the job is for
            if _is_awaiting(code):
                value = await value
        return value

    return asyncio.run(run())


def _bound(cell: Cell, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the names that are to be brought back."""
    if missing := [name for name in cell.out if name not in after]:
        raise NameError(f"the cell has ended without a name {missing[0]!r}, which --out asks for")
    if cell.out:
        return {name: after[name] for name in cell.out}

    def is_bound(name: str) -> bool:
        if name.startswith("__") or not name.strip("_"):  # Python's, and IPython's last results
            return False
        # Also what star imports and `exec` assign, which nobody could foresee.
        return name in cell.assigned or name not in before or before[name] is not after[name]

    return {name: value for name, value in after.items() if is_bound(name)}


class _Imported(NamedTuple):
    """A module, which is brought back only where it can be imported."""

    name: str


class _Written(NamedTuple):
    pickled: bytes
    buffers: list[pickle.PickleBuffer]


def _result(cell: Cell, bound: dict[str, Any], value: Any) -> CellResult:
    """Return what a cell came to, without what cannot be pickled."""
    left: dict[str, str] = {}
    about = f"binds {_listed(list(bound))}" if bound else "binds no name"
    if value is not None:
        about = preview(value)
    bound = {name: _without_module(thing) for name, thing in bound.items()}
    try:
        written = _written((bound, value))
    except Exception:  # noqa: BLE001  # the edge around user code
        left = {name: why for name, thing in bound.items() if (why := _why_not(thing, name))}
        for name in cell.out:
            if name in left:
                raise TypeError(left[name]) from None
        kept = {name: thing for name, thing in bound.items() if name not in left}
        if why := _why_not(value, "the last expression's value"):
            value, left = None, {**left, "the value": why}
        written = _written((kept, value))
        about += f"; left behind: {_listed(list(left))}"
    return CellResult(*written, left, about)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _without_module(value: Any) -> Any:
    is_known = isinstance(value, ModuleType) and sys.modules.get(value.__name__) is value
    return _Imported(value.__name__) if is_known else value


def _why_not(value: Any, name: str) -> str:
    """Return why a value cannot be pickled; "" where it can."""
    try:
        _written(value)
    except Exception as error:  # noqa: BLE001  # the edge around user code
        return blame(value, name, error, fate="be brought back", advice="Assign what it holds.")
    return ""


def _written(value: Any) -> _Written:
    """Return a pickle and its large parts, which stay apart for whoever pickles the result."""

    def write(value: Any) -> _Written:
        buffers: list[pickle.PickleBuffer] = []

        def is_in_band(buffer: pickle.PickleBuffer) -> bool:
            try:
                buffer.raw()
            except BufferError:  # neither can it be pickled apart
                return True
            buffers.append(buffer)
            return False

        return _Written(dumps(value, is_in_band), buffers)

    return by_value(write, value)


class CellResult:
    """What a cell came to: the `value` of its last expression, and the `names` that it bound.

    Both are loaded when they are first asked for.
    """

    def __init__(
        self,
        pickled: bytes,
        buffers: Sequence[Any] = (),
        left_behind: Mapping[str, str] | None = None,
        about: str = "",
    ) -> None:
        self._pickled = pickled
        self._buffers = buffers
        self._about = about
        self._loading = threading.Lock()
        self._loaded: tuple[dict[str, Any], Any] | None = None
        self.left_behind = dict(left_behind or {})
        #: What could not be pickled, by its name, and why.

    @property
    def value(self) -> Any:
        """The last expression's value; None where there is none."""
        return self._load(None)[1]

    @property
    def names(self) -> dict[str, Any]:
        """What the cell assigned."""
        return dict(self._load(None)[0])

    def names_for(self, namespace: dict[str, Any] | None) -> dict[str, Any]:
        """Return `names`, whose functions have `namespace` as their globals, if one is given.

        What such a function reads beside is put there, unless there is one of that name. Whoever
        asks first for anything of the result decides.
        """
        return dict(self._load(namespace)[0])

    def _load(self, namespace: dict[str, Any] | None) -> tuple[dict[str, Any], Any]:
        with self._loading:
            if self._loaded is None:
                bound, value = OWN_CLASSES.load(self._pickled, self._buffers, namespace)
                names = {}
                for name, thing in bound.items():
                    # A module that only workers have says so where it is imported here.
                    with suppress(ImportError):
                        is_module = isinstance(thing, _Imported)
                        names[name] = import_module(thing.name) if is_module else thing
                self._loaded = names, value
                self._pickled, self._buffers = b"", ()
            return self._loaded

    def __reduce_ex__(self, protocol: Any) -> tuple[type[CellResult], tuple[Any, ...]]:
        with self._loading:
            pickled, buffers = self._pickled, self._buffers
            if self._loaded is not None:
                names, value = self._loaded
                whole = {name: _without_module(thing) for name, thing in names.items()}, value
                pickled, buffers = _written(whole)
        # Before PEP 574 there was nothing apart.
        kept = [(pickle.PickleBuffer if protocol >= 5 else bytearray)(each) for each in buffers]
        return CellResult, (pickled, kept, self.left_behind, self._about)

    def __repr__(self) -> str:
        return self._about

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        # In a notebook it looks like its value. Only IPython asks.
        shell = sys.modules["IPython"].get_ipython()
        return shell.display_formatter.format(self.value, include, exclude)
