"""Programs that differ from another one by one thing: it does the same, or something else."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from programs import Program, package


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A program, and by what it differs from which."""

    kind: str
    what: str
    program: Program


# What makes no difference


def neutral(program: Program, chance: random.Random) -> Iterator[Mutant]:
    """Yield those that do the same; by `kind`, what a user does without wanting anything else."""
    rewrites: dict[str, Callable[[str, random.Random], str]] = {
        "comment": _with_comments,
        "whitespace": _with_spaces,
        "reformatted": lambda text, _: ast.unparse(ast.parse(text)) + "\n",
    }
    if "a docstring" not in program.name:
        rewrites["docstring"] = _with_docstrings
    for kind, rewrite in rewrites.items():
        cells = tuple(rewrite(cell, chance) for cell in program.cells)
        modules = {name: rewrite(text, chance) for name, text in program.modules.items()}
        yield _mutant(kind, kind, program, cells=cells, modules=modules)
    other = ("unrelated_thing = [1, 2, 3]\n", "def unrelated_function(x):\n    return x\n")
    yield _mutant("another cell", "other cells", program, cells=(*other, *program.cells, "1 + 1\n"))
    split = tuple(
        ast.unparse(statement) for cell in program.cells for statement in ast.parse(cell).body
    )
    yield _mutant("cell number", "a statement a cell", program, cells=split)
    yield _mutant("cell number", "all in one cell", program, cells=("\n".join(program.cells),))
    yield _mutant("cell run again", "all run twice", program, cells=program.cells * 2)
    movable = [cell for cell in program.cells if cell.startswith(("def ", "async def "))]
    if len(movable) > 1:
        rest = [cell for cell in program.cells if cell not in movable]
        yield _mutant("cell order", "backwards", program, cells=(*rest, *reversed(movable)))
    if program.modules:
        modules = {**program.modules, "unrelated.py": "X = 1\n"}
        yield _mutant("another file", "a module more", program, modules=modules)


def avoidable(program: Program) -> Iterator[Mutant]:
    """Yield those that do the same, of kinds that are not promised to count as the same."""
    renamed = tuple(_renamed(cell) for cell in program.cells)
    if renamed != program.cells:
        yield _mutant("local renamed", "each local", program, cells=renamed)
    annotated = tuple(_annotated(cell) for cell in program.cells)
    if annotated != program.cells and "dataclass" not in program.name:
        yield _mutant("annotation", "each parameter", program, cells=annotated)
    grown = tuple(f"{cell}\n" if "=" not in cell else cell for cell in program.cells)
    yield _mutant("statement without effect", "pass", program, cells=tuple(map(_passing, grown)))


def _with_comments(text: str, chance: random.Random) -> str:
    lines = []
    for line in text.splitlines():
        indent = re.match(" *", line)
        lines += [f"{indent[0] if indent else ''}# note {chance.random()}"]
        lines.append(f"{line}  # {chance.random()}")
    return "\n".join(lines) + "\n# the end\n"


def _with_spaces(text: str, chance: random.Random) -> str:
    lines = []
    for line in text.splitlines():
        lines += [""] * chance.randrange(3)
        lines.append(line.replace(" = ", "  =  ").replace("(", "( ").replace(", ", " ,\t"))
    spaced = "\n" * chance.randrange(4) + "\n".join(lines) + "\n\n\n"
    return spaced if _is_as(spaced, text) else text + "\n\n"


def _is_as(text: str, other: str) -> bool:
    try:
        return ast.dump(ast.parse(text)) == ast.dump(ast.parse(other))
    except SyntaxError:
        return False


_DOCUMENTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _with_docstrings(text: str, chance: random.Random) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED):
            if ast.get_docstring(node) is not None:
                node.body.pop(0)
            doc = ast.Expr(ast.Constant(f"It does {chance.random()}."))
            node.body.insert(0, doc)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


_SCOPES = (*_DOCUMENTED, ast.Lambda, ast.comprehension, ast.Nonlocal, ast.Global)


def _renamed(text: str) -> str:
    """Return a cell in which the functions' own variables, but no parameters, are called else."""
    tree = ast.parse(text)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            nested = any(
                isinstance(node, _SCOPES)
                for statement in function.body
                for node in ast.walk(statement)
            )
            names = {
                node.id
                for node in ast.walk(function)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }
            if nested:
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Name) and node.id in names:
                    node.id += "_"
    return ast.unparse(tree) + "\n"


def _annotated(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.arg)
            and node.annotation is None
            and node.arg not in ("self", "cls")
        ):
            node.annotation = ast.Constant("an annotation")
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            for argument in (*node.args.args, *node.args.kwonlyargs):
                argument.annotation = None
    return ast.unparse(tree) + "\n"


def _passing(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.body.append(ast.Pass())
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


# What makes one


def changed(program: Program) -> Iterator[Mutant]:
    """Yield all programs that differ in one place of the code, of a cell or of a module.

    Whether such a one does something else is seen by running it.
    """
    for place, cell in enumerate(program.cells):
        for what, text in _changes(cell):
            cells = (*program.cells[:place], text, *program.cells[place + 1 :])
            yield _mutant(what, f"cell {place}: {text}", program, cells=cells)
    for name, whole in program.modules.items():
        for what, text in _changes(whole):
            modules = {**program.modules, name: text}
            yield _mutant(what, f"{name}: {text}", program, modules=modules)
    for what, text in _changes(f"f({program.call})"):
        call = text.strip()
        if call.startswith("f(") and call.endswith(")") and call != "f()":
            yield _mutant(f"argument: {what}", call, program, call=call[2:-1])
    if program.installed:
        newer = package("1.1")
        yield _mutant("version", "dep 1.1", program, installed=newer)
        other = package("1.0")
        deeper = {
            name.replace("deeper-1.0", "deeper-2.0"): text.replace("Version: 1.0", "Version: 2.0")
            if name.startswith("deeper-")
            else text
            for name, text in other.items()
        }
        yield _mutant("version", "deeper 2.0", program, installed=deeper)
    if program.declared:
        yield _mutant("version", "declared 1.1", program, declared={"dep": "==1.1"})


def _changes(text: str) -> Iterator[tuple[str, str]]:
    size = sum(1 for _ in ast.walk(ast.parse(text)))
    seen = {ast.unparse(ast.parse(text))}
    for place in range(size):
        for what, change in _EDITS.items():
            for way in range(3):
                tree = ast.parse(text)
                node = list(ast.walk(tree))[place]
                if not change(node, way):
                    break
                try:
                    edited = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
                    compile(edited, "", "exec")
                except (SyntaxError, ValueError, TypeError):
                    continue
                if edited.strip() not in seen:
                    seen.add(edited.strip())
                    yield what, edited


def _constant(node: ast.AST, way: int) -> bool:
    if not isinstance(node, ast.Constant) or isinstance(node.value, bytes | type(...)):
        return False
    value = node.value
    match value:
        case bool() | None:
            node.value = [7, "other", not value][way]
        case int():
            node.value = [value + 1, float(value), -value - 2][way]
        case float():
            node.value = [value + 1e-9, -value, value * 2 + 1][way]
        case str():
            node.value = [value + "x", value.upper() + " ", ""][way]
    return True


def _operator(node: ast.AST, way: int) -> bool:
    if not isinstance(node, ast.BinOp | ast.AugAssign):
        return False
    others = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv)
    node.op = [kind for kind in others if not isinstance(node.op, kind)][way]()
    return True


def _comparison(node: ast.AST, way: int) -> bool:
    if not isinstance(node, ast.Compare):
        return False
    others = (ast.Lt, ast.GtE, ast.NotEq, ast.Eq, ast.Gt)
    node.ops[0] = [kind for kind in others if not isinstance(node.ops[0], kind)][way]()
    return True


def _default(node: ast.AST, way: int) -> bool:
    if not isinstance(node, ast.arguments) or way:
        return False
    if not node.defaults and not any(node.kw_defaults):
        return False
    node.defaults = [ast.Constant(17) for _ in node.defaults]
    node.kw_defaults = [one and ast.Constant(19) for one in node.kw_defaults]
    return True


def _removed(node: ast.AST, way: int) -> bool:
    body = getattr(node, "body", None)
    if isinstance(node, ast.Module) or not isinstance(body, list) or way >= len(body):
        return False
    body[way] = ast.Pass()
    return True


def _swapped(node: ast.AST, way: int) -> bool:
    if isinstance(node, ast.BinOp) and not way:
        node.left, node.right = node.right, node.left
        return True
    if isinstance(node, ast.Call) and len(node.args) > 1 and not way:
        node.args[0], node.args[1] = node.args[1], node.args[0]
        return True
    return False


def _condition(node: ast.AST, way: int) -> bool:
    if not isinstance(node, ast.If | ast.IfExp | ast.While) or way > 1:
        return False
    node.test = [ast.UnaryOp(ast.Not(), node.test), ast.Constant(True)][way]
    return True


def _attribute(node: ast.AST, way: int) -> bool:
    if not isinstance(node, ast.Attribute) or way:
        return False
    node.attr += "_other"
    return True


def _element(node: ast.AST, way: int) -> bool:
    if not isinstance(node, ast.List | ast.Tuple | ast.Set) or len(node.elts) < 2 or way > 1:
        return False
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return False
    node.elts = [node.elts[:-1], node.elts[::-1]][way]
    return True


def _returned(node: ast.AST, way: int) -> bool:
    if not isinstance(node, ast.Return) or node.value is None or way > 1:
        return False
    node.value = [ast.Tuple([node.value], ast.Load()), ast.Constant(None)][way]
    return True


def _decorators(node: ast.AST, way: int) -> bool:
    if not isinstance(node, _DOCUMENTED) or not node.decorator_list or way:
        return False
    node.decorator_list = node.decorator_list[1:]
    return True


_EDITS: dict[str, Callable[[ast.AST, int], bool]] = {
    "constant": _constant,
    "operator": _operator,
    "comparison": _comparison,
    "default": _default,
    "statement removed": _removed,
    "operands swapped": _swapped,
    "condition": _condition,
    "attribute": _attribute,
    "elements": _element,
    "result": _returned,
    "decorator": _decorators,
}


def _mutant(kind: str, what: str, program: Program, **changes: object) -> Mutant:
    return Mutant(kind=kind, what=what, program=replace(program, **changes))  # type: ignore[arg-type]
