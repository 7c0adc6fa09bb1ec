"""Code as what it does: instructions without the lines and files that they stand in.

Comments, blank lines and docstrings leave no instruction behind, nor does the number of a cell.
"""

from __future__ import annotations

import dis
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import CodeType
from typing import Any

_NO_TRACE = frozenset({"NOP", "CACHE", "EXTENDED_ARG"})
"""Instructions that do nothing: which of them there are depends on how lines are broken."""

_LOADS_NAME = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
_LOADS_ATTRIBUTE = frozenset({"LOAD_ATTR", "LOAD_METHOD"})

_PLACES = frozenset({"__firstlineno__"})
"""What a class's body assigns of where it stands, from Python 3.13 on."""

_NAMED = frozenset(dis.hasname)
_JUMPS = frozenset({*dis.hasjrel, *dis.hasjabs})
_CONSTANTS = frozenset(dis.hasconst)
_PLAIN = frozenset({*dis.haslocal, *dis.hasfree, *dis.hascompare})

_ANY_STAR = CO_VARARGS | CO_VARKEYWORDS
_STARS = {0: 0, CO_VARARGS: 1, CO_VARKEYWORDS: 1, _ANY_STAR: 2}


@dataclass(frozen=True, slots=True)
class Read:
    """A global name that code reads, and the attributes that it takes of it at once."""

    name: str
    attributes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Import:
    """A module that code imports when it runs, and the names that it takes from it."""

    module: str
    names: tuple[str, ...] = ()
    level: int = 0
    #: How many packages up it begins; 0 for one by its full name.


@dataclass(frozen=True, slots=True)
class Instruction:
    """One of them: its name, and its argument as what that stands for."""

    name: str
    argument: Any
    is_constant: bool = False
    #: Whether the argument is a constant: a value, or the code of an inner function.
    is_named: bool = False
    #: Whether it is a name, and how that is spelled out.


@dataclass(frozen=True, slots=True)
class Code:
    """What makes a difference when code runs."""

    head: tuple[Any, ...]
    #: How its arguments are taken, and its name.
    instructions: tuple[Instruction, ...]
    handlers: tuple[tuple[int, ...], ...]
    #: Of exceptions: from which instruction to which, where to, how deep.


def instructions_of(code: CodeType) -> Code:
    """Return code without what tells only where it stands."""
    found = [one for one in dis.get_instructions(code) if one.opname not in _NO_TRACE]
    offsets = [one.offset for one in found]

    def place_of(offset: int) -> int:
        return bisect_left(offsets, offset)

    instructions = tuple(_instruction(one, place_of) for one in found)
    entries = getattr(dis.Bytecode(code), "exception_entries", ())
    handlers = tuple(
        (place_of(one.start), place_of(one.end), place_of(one.target), one.depth, int(one.lasti))
        for one in entries
    )
    counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount
    parameters = code.co_varnames[: counts[0] + counts[2] + _STARS[code.co_flags & _ANY_STAR]]
    names = code.co_name, parameters, code.co_freevars, code.co_cellvars
    head = *counts, code.co_flags, *names
    return Code(head, _without_places(instructions), handlers)


def _instruction(one: dis.Instruction, place_of: Callable[[int], int]) -> Instruction:
    if one.opcode in _CONSTANTS:
        return Instruction(one.opname, one.argval, is_constant=True)
    if one.opcode in _JUMPS:
        return Instruction(one.opname, place_of(one.argval))
    if one.opcode in _NAMED:
        return Instruction(one.opname, (one.argval, one.argrepr), is_named=True)
    if one.opcode in _PLAIN:
        return Instruction(one.opname, one.argval)
    return Instruction(one.opname, one.arg)


def _without_places(instructions: tuple[Instruction, ...]) -> tuple[Instruction, ...]:
    kept = list(instructions)
    for at, one in enumerate(instructions):
        if one.name == "STORE_NAME" and one.argument[0] in _PLACES:
            kept[at - 1] = Instruction("LOAD_CONST", None, is_constant=True)
        if one.name == "STORE_NAME" and one.argument[0] == "__static_attributes__":
            names = instructions[at - 1].argument
            kept[at - 1] = Instruction("LOAD_CONST", tuple(sorted(names)), is_constant=True)
    return tuple(kept)


def inner(code: CodeType) -> Iterator[CodeType]:
    """Yield code, and that of all functions and classes within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from inner(constant)


def reads(code: CodeType) -> list[Read]:
    """Return the global names that code reads, its inner functions' included, each way once.

    >>> reads(compile("f(config.alpha)", "", "eval"))
    [Read(name='f', attributes=()), Read(name='config', attributes=('alpha',))]
    """
    found: dict[Read, None] = {}
    for one in inner(code):
        instructions = instructions_of(one).instructions
        for at, instruction in enumerate(instructions):
            if instruction.name not in _LOADS_NAME:
                continue
            attributes = []
            for after in instructions[at + 1 :]:
                if after.name not in _LOADS_ATTRIBUTE:
                    break
                attributes.append(after.argument[0])
            found[Read(instruction.argument[0], tuple(attributes))] = None
    return list(found)


def mentions(code: CodeType) -> set[str]:
    """Return all names that code mentions, of globals and of attributes.

    But for those that a class's body assigns: its docstring is one.
    """
    return {
        instruction.argument[0]
        for one in inner(code)
        for instruction in instructions_of(one).instructions
        if instruction.is_named and instruction.name != "STORE_NAME"
    }


def imports(code: CodeType) -> list[Import]:
    """Return what code imports when it runs, its inner functions' included.

    >>> imports(compile("from .a import b", "", "exec"))
    [Import(module='a', names=('b',), level=1)]
    """
    found: dict[Import, None] = {}
    for one in inner(code):
        instructions = instructions_of(one).instructions
        for at, instruction in enumerate(instructions):
            if instruction.name == "IMPORT_NAME":
                level, taken = (before.argument for before in instructions[at - 2 : at])
                found[Import(instruction.argument[0], taken or (), level)] = None
    return list(found)
