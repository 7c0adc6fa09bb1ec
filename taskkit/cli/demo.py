"""`taskkit demo`: a notebook run from top to bottom on a stack of its own."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from ..protocol.errors import RequestError
from .extras import require
from .terminal import console, good, note


def demo(
    notebook: Annotated[Path, typer.Argument(help="The notebook to run.")] = Path(
        "notebooks/01-quickstart.ipynb"
    ),
    output: Annotated[Path, typer.Option(help="Folder for the executed notebook.")] = Path("build"),
    workers: Annotated[
        int | None, typer.Option(min=1, help="Jobs at once.", show_default="one a core")
    ] = None,
) -> None:
    """Run the quick-start notebook and print its result."""
    require("server", "worker", "notebook")
    import nbformat

    from ..stack.local import LocalStack
    from .notebook import Run

    if not notebook.is_file():
        raise RequestError(f"There is no notebook {notebook}: run this where it is, or name one.")
    began = time.monotonic()
    console.print()
    with LocalStack(workers=workers or os.cpu_count() or 1) as stack:
        good("stack", f"Redis, server and worker at {stack.url} ({time.monotonic() - began:.1f} s)")
        content = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
        run = Run(content, notebook.parent)
        is_complete = run.run(stack.url, stack.token)
    output.mkdir(parents=True, exist_ok=True)
    nbformat.write(run.notebook, output / notebook.name)  # type: ignore[no-untyped-call]
    console.print()
    if not is_complete:
        note(f"the notebook failed; as far as it came it is in {output / notebook.name}")
        raise typer.Exit(1)
    good("result", "")
    console.print(_indented(run.result()))
    console.print()
    note(f"the executed notebook is {output / notebook.name} ({time.monotonic() - began:.0f} s)")


def _indented(text: str) -> Any:
    from rich.text import Text

    return Text("\n".join(f"    {line}" for line in text.splitlines()), style="bold")
