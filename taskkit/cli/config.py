"""`taskkit config`: what is told and by whom, a file to begin with, and whether one holds."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from ..protocol.errors import RequestError
from .configured import File
from .extras import require
from .terminal import caution, console, good, note

if TYPE_CHECKING:
    from ..config.loading import Loaded

config = typer.Typer(help="Show, write and check what taskkit is told.", no_args_is_help=True)


@config.command()
def show(
    file: File = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Show each setting and who told it: a variable, the file, or nobody. Secrets are masked."""
    require("server")
    from ..config.loading import load

    loaded = load(os.environ, {}, path=file)
    if as_json:
        typer.echo(json.dumps(report(loaded), ensure_ascii=False, indent=2))
        return
    for warning in loaded.warnings:
        caution(warning)
    console.print(_table(loaded))
    note(f"the file is {loaded.file}" if loaded.file else "there is no taskkit.toml")


def report(loaded: Loaded) -> dict[str, Any]:
    """Return all settings as an object of JSON."""
    from ..config.tables import SETTINGS
    from ..config.writing import shown

    settings = {}
    for one in SETTINGS:
        origin = loaded.origin(one)
        settings[one.name] = {
            "value": shown(loaded, one),
            "source": origin.kind,
            "place": origin.place,
        }
    file = str(loaded.file) if loaded.file else None
    return {"file": file, "warnings": list(loaded.warnings), "settings": settings}


def _table(loaded: Loaded) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style="dim", pad_edge=False)
    table.add_column("setting")
    table.add_column("value", overflow="fold")
    table.add_column("told by", overflow="fold")
    last = ""
    for name, one in report(loaded)["settings"].items():
        group = name.partition(".")[0]
        if last and group != last:
            table.add_section()
        last = group
        is_told = one["source"] != "default"
        value = "–" if one["value"] is None else _text(one["value"])
        table.add_row(
            name,
            Text(value),
            Text(one["place"] or "default", style="dim"),
            style="bold" if is_told else "",
        )
    return table


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(value) or "–"
    return json.dumps(value) if isinstance(value, bool) else str(value)


@config.command()
def init(
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("taskkit.toml"),
) -> None:
    """Write a taskkit.toml with all defaults and what they mean."""
    require("server")
    from ..config.writing import default_file

    try:
        # For its owner alone from the first byte on: a token may come to stand in it.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise RequestError(f"{path} is there already: name another file, or remove it") from None
    except OSError as error:
        raise RequestError(f"{path} cannot be written: {error.strerror}") from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(default_file())
    good("written", f"{path}; it changes nothing before you do")


@config.command()
def check(file: Annotated[Path, typer.Argument(help="The file to check.")]) -> None:
    """Say what in a file cannot be, all of it and where; exit code 1 where something is."""
    require("server")
    from ..config import loading

    loaded = loading.check(file)
    for warning in loaded.warnings:
        caution(warning)
    good("sound", f"{file}, {len(loaded.origins)} settings")
