"""`taskkit demo`: a notebook run from top to bottom on a stack of its own."""

from __future__ import annotations

import os
import time
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import typer

from ..protocol.errors import RequestError
from .extras import require
from .terminal import console, good, note

QUICKSTART = "01-quickstart.ipynb"


def demo(
    notebook: Annotated[
        Path | None,
        typer.Argument(help="The notebook to run.", show_default="the quick start"),
    ] = None,
    output: Annotated[Path, typer.Option(help="Folder for the executed notebook.")] = Path("build"),
    workers: Annotated[
        int | None, typer.Option(min=1, help="Jobs at once.", show_default="one a core")
    ] = None,
) -> None:
    """Run the quick-start notebook and print its result."""
    require("server", "worker", "notebook", *(() if notebook else ("demo",)))
    import nbformat

    from ..stack.local import LocalStack
    from .notebook import Run

    name, text, folder = _quickstart() if notebook is None else _named(notebook)
    began = time.monotonic()
    console.print()
    with LocalStack(workers=workers or os.cpu_count() or 1) as stack:
        good("stack", f"Redis, server and worker at {stack.url} ({time.monotonic() - began:.1f} s)")
        content = nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]
        run = Run(content, folder)
        is_complete = run.run(stack.url, stack.token)
    output.mkdir(parents=True, exist_ok=True)
    nbformat.write(run.notebook, output / name)  # type: ignore[no-untyped-call]
    console.print()
    if not is_complete:
        note(f"the notebook failed; as far as it came it is in {output / name}")
        raise typer.Exit(1)
    good("result", "")
    console.print(_indented(run.result()))
    console.print()
    note(f"the executed notebook is {output / name} ({time.monotonic() - began:.0f} s)")


def _named(notebook: Path) -> tuple[str, str, Path]:
    """Return a notebook's name, its text, and the folder that it runs in."""
    if not notebook.is_file():
        raise RequestError(f"There is no notebook {notebook}: run this where it is, or name one.")
    return notebook.name, notebook.read_text(encoding="utf-8"), notebook.parent


def _quickstart() -> tuple[str, str, Path]:
    """Return the same of the quick start: the one of this clone, else what the wheel brought."""
    here = Path("notebooks", QUICKSTART)
    if here.is_file():
        return _named(here)
    brought = files(__package__) / QUICKSTART
    if not brought.is_file():
        raise RequestError(f"There is no {here}: run this where it is, or name a notebook.")
    return QUICKSTART, brought.read_text(encoding="utf-8"), Path()


def _indented(text: str) -> Any:
    from rich.text import Text

    return Text("\n".join(f"    {line}" for line in text.splitlines()), style="bold")
