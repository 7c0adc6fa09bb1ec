"""What the reference says of settings, commands, routes, events, errors: made of the code."""

from __future__ import annotations

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

import typer
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from typer.cli import get_docs_for_click

from taskkit.cli import app as command_line
from taskkit.config.tables import SETTINGS
from taskkit.config.writing import as_toml
from taskkit.ledger.memory import MemoryLedger
from taskkit.magics.flags import job_flags, jobs_flags
from taskkit.protocol import errors, events
from taskkit_server.app import create_app
from taskkit_server.contract.openapi import document
from taskkit_server.settings import Settings


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of Markdown."""
    lines = [list(head)]
    lines += [["---"] * len(lines[0]), *map(list, rows)]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def settings() -> str:
    """Return all settings, by table."""
    tables = dict.fromkeys(one.table for one in SETTINGS)
    parts = []
    for name in tables:
        rows = [
            (f"`{one.key}`", f"`{one.variable}`", _default(one.default), one.description)
            for one in SETTINGS
            if one.table == name
        ]
        head = ("key", "variable", "default", "what it is")
        parts.append(f"## `[{name}]`\n\n{table(head, rows)}")
    return "\n".join(parts)


def _default(value: object) -> str:
    return "" if value is None else f"`{as_toml(value)}`"


def commands() -> str:
    """Return the command line, as typer writes it, one heading lower."""
    command = typer.main.get_command(command_line)
    text = get_docs_for_click(
        obj=command, ctx=typer.Context(command, info_name="taskkit"), name="taskkit"
    )
    _, _, below = text.partition("\n")
    return below


def magics() -> str:
    """Return what may stand behind ``%%job`` and ``%jobs``."""
    told = []
    for name, flags in (("%%job", job_flags()), ("%jobs", jobs_flags())):
        rows = [
            (f"`{', '.join(action.option_strings) or action.dest}`", action.help or "")
            for action in flags._actions  # noqa: SLF001 — argparse has no other list of them
        ]
        told.append(f"## `{name}`\n\n{table(('flag', 'what it does'), rows)}")
    return "\n".join(told)


def routes() -> str:
    """Return the routes of the API, of the document that the server itself serves."""
    app = create_app(
        Settings(redis_url="redis://nowhere", token="t" * 43), MemoryLedger(), _Nobody()
    )
    rows = []
    for path, item in document(app)["paths"].items():
        for method, operation in item.items():
            needs = _scope(operation.get("description", ""))
            rows.append((f"`{method.upper()} {path}`", operation["summary"], needs))
    return table(("route", "what it does", "scope"), rows)


def _scope(text: str) -> str:
    _, found, after = text.partition("needs the scope `")
    return f"`{after.partition('`')[0]}`" if found else ""


class _Nobody:
    """Where the server of the document would send wake-ups."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_args, **_kwargs: None


def error_classes() -> str:
    """Return each error of taskkit's: how it travels, and what it says."""
    rows = []
    for name, kind in vars(errors).items():
        if inspect.isclass(kind) and issubclass(kind, errors.TaskkitError):
            status = str(kind.status) if "status" in vars(kind) else ""
            rows.append((f"`{name}`", f"`{kind.code}`", status, _first(kind)))
    return table(("error", "code", "status", "when"), rows)


def error_tree() -> str:
    """Return the tree that is drawn at the top of the module."""
    lines = (errors.__doc__ or "").splitlines()
    tree = [line for line in lines if line.startswith("    ")]
    return "```text\n" + textwrap.dedent("\n".join(tree)) + "\n```\n"


def event_kinds() -> str:
    """Return each event with its fields."""
    parts = []
    for kind, of_kind in events.EVENTS.items():
        parts.append(f"## `{kind}`\n\n{_first(of_kind)}\n\n{fields_of(of_kind)}")
    return "\n".join(parts)


def fields_of(kind: type) -> str:
    """Return the fields of a dataclass, with the comment below each."""
    rows = [(f"`{name}`", f"`{annotation}`", said) for name, annotation, said in _fields(kind)]
    return table(("field", "type", "what it is"), rows) if rows else "It carries nothing.\n"


def _fields(kind: type) -> Iterator[tuple[str, str, str]]:
    lines = textwrap.dedent(inspect.getsource(kind)).splitlines()
    [tree] = ast.parse("\n".join(lines)).body
    if not isinstance(tree, ast.ClassDef):
        raise TypeError(f"{kind} is no class")
    for statement in tree.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation):
                written = ast.unparse(annotation)
                if not written.startswith("ClassVar"):
                    yield name, written, _comment(lines[statement.end_lineno or 0 :])
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, ast.unparse(value), _comment(lines[statement.end_lineno or 0 :])


def _comment(lines: list[str]) -> str:
    said = []
    for line in lines:
        if not line.strip().startswith("#:"):
            break
        said.append(line.strip().removeprefix("#:").strip())
    return " ".join(said)


def _first(thing: object) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]


class Made(SphinxDirective):
    """Parses what a function above returns, in the place of the directive."""

    has_content = False
    required_arguments = 1
    parts: ClassVar = {
        "commands": commands,
        "error-tree": error_tree,
        "errors": error_classes,
        "events": event_kinds,
        "magics": magics,
        "routes": routes,
        "settings": settings,
    }

    def run(self) -> list[nodes.Node]:
        """Return its nodes: of a part by its name, or of a class by its place."""
        name = self.arguments[0]
        if name in self.parts:
            text = self.parts[name]()
        else:
            module, _, of_module = name.rpartition(".")
            text = fields_of(getattr(importlib.import_module(module), of_module))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive: ``{made} settings``."""
    app.add_directive("made", Made)
    return {"parallel_read_safe": True}
