"""The named tasks that this worker offers."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, get_origin

from pydantic import TypeAdapter, ValidationError, validate_call

import taskkit
from taskkit.inside.task import task_name
from taskkit.protocol.errors import InvalidArguments, TaskNotFound
from taskkit.protocol.workers import TaskInfo
from taskkit.travel.distributions import OURS

EXAMPLES = "taskkit_worker.tasks"


class Catalogue:
    """Named tasks, found in modules, files and folders."""

    def __init__(self, sources: Iterable[str] = ()) -> None:
        self._functions: dict[str, Callable[..., Any]] = {}
        self._infos: dict[str, TaskInfo] = {}
        for source in (EXAMPLES, *sources):
            for module in _modules(source):
                self._add(module)

    def _add(self, module: ModuleType) -> None:
        for function in vars(module).values():
            name = task_name(function) if callable(function) else None
            if name is not None:
                self._infos[name] = _describe(name, function)
                self._functions[name] = function

    def infos(self) -> tuple[TaskInfo, ...]:
        """Return what a client needs to know of each task, by name."""
        return tuple(self._infos[name] for name in sorted(self._infos))

    def function(self, name: str) -> Callable[..., Any] | None:
        """Return the function behind a name; None where this worker does not know it."""
        return self._functions.get(name)

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Run a task with JSON arguments, made into what its annotations ask for.

        Raises:
            TaskNotFound: This worker does not know it.
            InvalidArguments: They do not fit its annotations; each is named.
        """
        function = self._functions.get(name)
        if function is None:
            raise TaskNotFound(f"this worker does not know a task {name!r}", task=name)
        return validate_call(function)(**_checked(name, function, arguments))


def _checked(
    name: str, function: Callable[..., Any], arguments: Mapping[str, Any]
) -> Mapping[str, Any]:
    # Checked apart from the call, so that a ValidationError of the task's own passes as its own.
    problems = {}
    hints = inspect.get_annotations(function, eval_str=True)
    for argument, value in arguments.items():
        try:
            TypeAdapter(hints.get(argument, Any)).validate_python(value)
        except ValidationError as error:
            problems[argument] = "; ".join(detail["msg"] for detail in error.errors())
    if problems:
        told = ", ".join(f"{argument}: {problem}" for argument, problem in problems.items())
        raise InvalidArguments(f"the arguments of {name!r} do not fit: {told}", arguments=problems)
    return arguments


def _describe(name: str, function: Callable[..., Any]) -> TaskInfo:
    try:
        signature = inspect.signature(function, eval_str=True)
        schema = _arguments_schema(signature)
    except Exception as error:
        where = f"{function.__module__}.{function.__qualname__}"
        raise TypeError(f"{where} cannot be a named task: {error}") from error
    doc = inspect.getdoc(function) or ""
    return TaskInfo(
        name=name,
        summary=doc.split("\n", 1)[0],
        parameters=tuple(signature.parameters),
        schema=schema,
        signature=str(_readable(signature)),
        version=_version(function),
    )


def _version(function: Callable[..., Any]) -> str:
    if function.__module__.partition(".")[0] in OURS:
        return f"taskkit {taskkit.__version__}"
    from taskkit.identity import identify  # here, for most workers have the examples alone

    try:
        return identify(function, (), {}).key
    except Exception:  # noqa: BLE001  # of what users' objects say of themselves
        return ""


def _readable(signature: inspect.Signature) -> inspect.Signature:
    """Return a signature without what only pydantic reads of it."""
    parameters = [
        parameter.replace(annotation=_bare(parameter.annotation))
        for parameter in signature.parameters.values()
    ]
    returned = _bare(signature.return_annotation)
    return signature.replace(parameters=parameters, return_annotation=returned)


def _bare(annotation: Any) -> Any:
    return annotation.__origin__ if get_origin(annotation) is Annotated else annotation


def _arguments_schema(signature: inspect.Signature) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    definitions: dict[str, Any] = {}
    required = []
    for parameter in signature.parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"its arguments travel by name, and {str(parameter)!r} has none")
        hint = Any if parameter.annotation is parameter.empty else parameter.annotation
        schema = TypeAdapter(hint).json_schema()
        definitions |= schema.pop("$defs", {})
        if parameter.default is parameter.empty:
            required.append(parameter.name)
        properties[parameter.name] = schema
    whole = {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }
    return {**whole, "$defs": definitions} if definitions else whole


def _modules(source: str) -> list[ModuleType]:
    path = Path(source)
    if (path / "__init__.py").is_file():
        package = path.resolve()
        _make_importable(package.parent)
        source = package.name
    elif path.is_dir():
        return [_from_file(file) for file in sorted(path.glob("*.py")) if file.stem[0] != "_"]
    if path.suffix == ".py":
        return [_from_file(path)]
    module = importlib.import_module(source)
    inner = getattr(module, "__path__", None)
    if inner is None:
        return [module]
    files = sorted(file for folder in inner for file in Path(folder).glob("*.py"))
    names = [f"{source}.{file.stem}" for file in files if not file.stem.startswith("__")]
    return [module, *(importlib.import_module(name) for name in names)]


def _from_file(path: Path) -> ModuleType:
    # Under its plain name and with its folder importable, as if it had been run from there.
    _make_importable(path.resolve().parent)
    module = importlib.import_module(path.stem)
    found = getattr(module, "__file__", None)
    if found is None or not path.is_file() or not path.samefile(found):
        raise ImportError(f"{path} has the name of another module ({found}): rename it")
    return module


def _make_importable(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
