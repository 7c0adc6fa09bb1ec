"""What a named task's parameters are, from what its worker says of them."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping
from inspect import Parameter, Signature
from typing import Any

from ..protocol.workers import TaskInfo

_RULES = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "matches {}",
    "description": "{}",
}
"""What is told of a parameter's JSON Schema beside its type, and how."""


class Written:
    """An annotation or a default of which only the text is known here."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def signature_of(info: TaskInfo) -> Signature:
    """Return how a task is called from here; what it returns, its job does.

    >>> signature_of(TaskInfo(name="fit", signature="(n: int = 64, *, seed: int = 0) -> float"))
    <Signature (n: int = 64, *, seed: int = 0) -> Job[float]>
    """
    try:
        (function,) = ast.parse(f"def task{info.signature}: ...").body
    except SyntaxError:  # a default whose repr is no Python
        return _by_name(info)
    assert isinstance(function, ast.FunctionDef)  # noqa: S101  # that is what was written
    returns = "Any" if function.returns is None else ast.unparse(function.returns)
    return Signature(list(_parameters(function.args)), return_annotation=Written(f"Job[{returns}]"))


def docstring_of(info: TaskInfo) -> str:
    """Return what ``help()`` says of a task."""
    parts = [info.summary, f"Submits the named task {info.name!r} and returns its job."]
    properties = info.schema.get("properties", {})
    lines = [
        "    " + ": ".join(filter(None, (str(parameter), _rules(properties.get(name, {})))))
        for name, parameter in signature_of(info).parameters.items()
    ]
    if lines:
        parts.append("\n".join(["Parameters:", *lines]))
    return "\n\n".join(filter(None, parts))


def _parameters(args: ast.arguments) -> Iterator[Parameter]:
    positional = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
    for arg, default in zip(positional, defaults, strict=True):
        yield _parameter(arg, default, Parameter.POSITIONAL_OR_KEYWORD)
    for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True):
        yield _parameter(arg, default, Parameter.KEYWORD_ONLY)


def _parameter(arg: ast.arg, default: ast.expr | None, kind: Any) -> Parameter:
    return Parameter(
        arg.arg,
        kind,
        default=Parameter.empty if default is None else _value(default),
        annotation=Parameter.empty if arg.annotation is None else _type(arg.annotation),
    )


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return Written(ast.unparse(node))


def _type(node: ast.expr) -> Any:
    found = getattr(builtins, node.id, None) if isinstance(node, ast.Name) else None
    return found if isinstance(found, type) else Written(ast.unparse(node))


def _by_name(info: TaskInfo) -> Signature:
    """Return the parameters by their names alone."""
    required = info.schema.get("required", ())
    return Signature(
        [
            Parameter(
                name,
                Parameter.KEYWORD_ONLY,
                default=Parameter.empty if name in required else Written("..."),
            )
            for name in info.parameters
        ],
        return_annotation=Written("Job[Any]"),
    )


def _rules(schema: Mapping[str, Any]) -> str:
    return ", ".join(text.format(schema[word]) for word, text in _RULES.items() if word in schema)
