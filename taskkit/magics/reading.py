"""Which names a cell's body reads from the notebook, and which it assigns.

A name is read from the notebook where it may be read before the body has assigned it, whichever way
the body goes. So a cell that is run for the second time is not sent what it made the first time.
"""

from __future__ import annotations

import ast
import dis
import warnings
from collections.abc import Iterable, Iterator, Sequence
from types import CodeType
from typing import NamedTuple

_READING = frozenset(
    {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS", "DELETE_NAME", "DELETE_GLOBAL"}
)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

Known = frozenset[str] | None
"""The names that are assigned for certain at a place; None for a place that is never reached."""


class Names(NamedTuple):
    """What a body has to do with its namespace."""

    read: frozenset[str]
    assigned: frozenset[str]


def names_of(tree: ast.Module) -> Names:
    """Return the names that a body reads from its namespace, and those that it assigns.

    An item or an attribute that it assigns (``d[k] = …``, ``d.x = …``) counts as its name.

    >>> names_of(ast.parse("a = b; print(a); c[0] = 1")) == ({"b", "print", "c"}, {"a", "c"})
    True
    """
    flow = _Flow()
    flow.block(tree.body, frozenset())
    assigned = _stored(_code(tree.body)) | set(_roots(tree))
    return Names(frozenset(flow.read), frozenset(assigned))


class _Flow:
    """Follows a body on all its ways."""

    def __init__(self) -> None:
        self.read: set[str] = set()

    def block(self, statements: Iterable[ast.stmt], known: Known) -> Known:
        """Return what is known after statements of which this was known before."""
        for statement in statements:
            if known is None:
                return None
            known = self._statement(statement, known)
        return known

    def _statement(self, statement: ast.stmt, known: frozenset[str]) -> Known:
        match statement:
            case ast.If():
                known = self._value(statement.test, known)
                body = self.block(statement.body, known)
                return _either(body, self.block(statement.orelse, known))
            case ast.While():
                known = self._value(statement.test, known)
                self._loop(statement, known)
            case ast.For() | ast.AsyncFor():
                known = self._value(statement.iter, known)
                self._loop(statement, self._target(statement.target, known), orelse=known)
            case ast.With() | ast.AsyncWith():
                return self._with(statement, known)
            case ast.Try() | ast.TryStar():
                return self._try(statement, known)
            case ast.Match():
                return self._match(statement, known)
            case ast.Break() | ast.Continue():
                return None
            case ast.Raise():
                self._simple(statement, known)
                return None
            case _:
                known = self._simple(statement, known)
        return known

    def _loop(
        self,
        loop: ast.While | ast.For | ast.AsyncFor,
        known: frozenset[str],
        orelse: frozenset[str] | None = None,
    ) -> None:
        # It may not run once: what it assigns is not known after it.
        self.block(loop.body, known)
        self.block(loop.orelse, known if orelse is None else orelse)

    def _with(self, statement: ast.With | ast.AsyncWith, known: frozenset[str]) -> Known:
        for item in statement.items:
            known = self._value(item.context_expr, known)
            if item.optional_vars is not None:
                known = self._target(item.optional_vars, known)
        after = self.block(statement.body, known)
        return known if any(map(_is_suppressing, statement.items)) else after

    def _try(self, statement: ast.Try | ast.TryStar, known: frozenset[str]) -> Known:
        after = self.block(statement.orelse, self.block(statement.body, known))
        for handler in statement.handlers:
            caught = known if handler.type is None else self._value(handler.type, known)
            name = {handler.name} if handler.name else set()
            handled = self.block(handler.body, caught | name)
            after = _either(after, None if handled is None else handled - name)
        final = self.block(statement.finalbody, known)
        return None if after is None or final is None else after | final

    def _match(self, statement: ast.Match, known: frozenset[str]) -> Known:
        known = self._value(statement.subject, known)
        after: Known = known
        for case in statement.cases:
            # The pattern alone, without its guard: it may read names, and assigns some.
            nothing = ast.Constant(None)
            alone = ast.Match(nothing, [ast.match_case(case.pattern, None, [ast.Pass()])])
            taken = self._simple(ast.copy_location(alone, statement), known)
            if case.guard is not None:
                taken = self._value(case.guard, taken)
            after = _either(after, self.block(case.body, taken))
        return after

    def _target(self, target: ast.expr, known: frozenset[str]) -> frozenset[str]:
        assignment = ast.Assign([target], ast.Tuple([], ast.Load()))
        return self._simple(ast.copy_location(assignment, target), known)

    def _value(self, value: ast.expr, known: frozenset[str]) -> frozenset[str]:
        return self._simple(ast.copy_location(ast.Expr(value), value), known)

    def _simple(self, statement: ast.stmt, known: frozenset[str]) -> frozenset[str]:
        """Take a statement that is run as a whole."""
        code = _code([statement])
        self.read |= _read(code) - known
        return (known | _stored(code)) - _doubtful(statement, known) - _deleted(code)


def _either(one: Known, other: Known) -> Known:
    if one is None or other is None:
        return one if other is None else other
    return one & other


def _is_suppressing(item: ast.withitem) -> bool:
    """Return whether a ``with`` may go on after an error in its block."""
    call = item.context_expr
    return isinstance(call, ast.Call) and ast.unparse(call.func).endswith("suppress")


def _code(statements: Sequence[ast.stmt]) -> CodeType:
    module = ast.fix_missing_locations(ast.Module(list(statements), []))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said once, where the body is compiled as a whole
        code: CodeType = compile(module, "<cell>", "exec", flags=_FLAGS, dont_inherit=True)
    return code


def _read(code: CodeType) -> set[str]:
    return {
        each.argval
        for part in _parts(code)
        for each in dis.get_instructions(part)
        if each.opname in _READING
    }


def _stored(code: CodeType) -> set[str]:
    own = {each.argval for each in dis.get_instructions(code) if each.opname == "STORE_NAME"}
    # Of what is within functions and classes, only what they declare global.
    inner = {
        each.argval
        for part in _parts(code)
        for each in dis.get_instructions(part)
        if each.opname == "STORE_GLOBAL"
    }
    return own | inner


def _deleted(code: CodeType) -> set[str]:
    return {each.argval for each in dis.get_instructions(code) if each.opname == "DELETE_NAME"}


def _parts(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _parts(constant)


def _doubtful(statement: ast.stmt, known: frozenset[str]) -> set[str]:
    """Return the names that a statement assigns under a condition, or in a function to be called.

    ``a and (x := 1)``, ``(x := 1) if a else b``, ``[x := n for n in a]``, ``def f(): global x``.
    """
    found: set[str] = set()
    for node in ast.walk(statement):
        match node:
            case ast.BoolOp():
                parts: list[ast.expr] = node.values[1:]
            case ast.IfExp():
                parts = [node.body, node.orelse]
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                parts = [node]
            case ast.Global():
                found.update(node.names)
                continue
            case _:
                continue
        inner = (each for part in parts for each in ast.walk(part))
        found |= {each.target.id for each in inner if isinstance(each, ast.NamedExpr)}
    return found - known


def _roots(node: ast.AST) -> Iterator[str]:
    """Yield the names of which a body's own statements assign or delete an item or attribute."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _SCOPES):
            continue
        yield from _roots(child)
        if isinstance(child, ast.Subscript | ast.Attribute) and not isinstance(child.ctx, ast.Load):
            root: ast.expr = child
            while isinstance(root, ast.Subscript | ast.Attribute):
                root = root.value
            if isinstance(root, ast.Name):
                yield root.id
