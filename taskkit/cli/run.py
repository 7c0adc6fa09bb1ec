"""`taskkit run`: a notebook as a job, from a terminal."""

from __future__ import annotations

import ast
import time
import warnings
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from ..protocol.errors import RequestError
from . import exits

if TYPE_CHECKING:
    from ..client import Job
    from ..notebooks.executed import ExecutedNotebook

DRAW_EVERY_S = 0.5

RECHECK_S = 5.0
"""How often the server is asked, whatever events say."""


def run(
    notebook: Annotated[
        Path, typer.Argument(metavar="NOTEBOOK", exists=True, dir_okay=False, help="A .ipynb file.")
    ],
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter", "-p", metavar="NAME=VALUE", help="As Python has it: 0.1, [8, 16], run-7."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Write the executed notebook here, also a failed one."),
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option("--file", "-f", help="A file or folder beside it that it needs, also with *."),
    ] = None,
    kernel: Annotated[
        str | None, typer.Option("--kernel", "-k", help="The worker's kernel, in place of its own.")
    ] = None,
    cwd: Annotated[
        str | None, typer.Option(help="A folder of the worker's to run its cells in.")
    ] = None,
    queue: Annotated[str, typer.Option(help="For workers that serve this queue.")] = "default",
    timeout: Annotated[
        str | None, typer.Option(metavar="90|10m", help="How long it may run.")
    ] = None,
) -> None:
    """Run a notebook on a worker, and wait until that is over.

    The parameters are set after the cell with the tag "parameters", as papermill does it. Ctrl-C
    leaves the job running: `taskkit wait` waits for it again.

    Exit codes: 0 all its cells ran, 1 one failed, 3 the job was cancelled, 5 it cannot be told.
    """
    from ..client import Client
    from . import spans

    limit_s = None if timeout is None else spans.seconds(timeout)
    given = dict(map(_parted, parameter or []))
    with exits.apart(), closing(Client(session="")) as client:
        chosen = client.options(queue=queue, timeout_s=limit_s)
        job = _submitted(
            lambda: chosen.run_notebook(
                notebook, given, files=file or [], kernel_name=kernel, cwd=cwd
            )
        )
        state = _followed(job)
        if output is not None and (done := _executed(job)) is not None:
            _save(done, output)
    raise typer.Exit(exits.code_of([state]))


def _parted(word: str) -> tuple[str, Any]:
    """Return a parameter's name and value.

    >>> _parted("alpha=0.1"), _parted("sizes=[8, 16]"), _parted("run=run-7")
    (('alpha', 0.1), ('sizes', [8, 16]), ('run', 'run-7'))
    """
    name, sign, text = word.partition("=")
    if not sign:
        raise typer.BadParameter(f"{word!r} is no NAME=VALUE", param_hint="--parameter")
    try:
        return name.strip(), ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return name.strip(), text


def _submitted(submit: Callable[[], Job[ExecutedNotebook]]) -> Job[ExecutedNotebook]:
    """Submit, with what there is to say of it on a line each."""
    try:
        with warnings.catch_warnings(record=True) as doubts:
            warnings.simplefilter("always")
            job = submit()
    except OSError as error:
        raise RequestError(f"Cannot read what is to be sent: {error}.") from None
    except ValueError as error:
        raise RequestError(f"{error}.") from None
    for doubt in doubts:
        typer.echo(f"taskkit: {doubt.message}", err=True)
    return job


def _followed(job: Job[ExecutedNotebook]) -> str:
    """Show how far a job is until it is final; return its state."""
    from .waiting import Awaited

    looked_at = time.monotonic()
    with Awaited(job.connection) as awaited:
        one = awaited.one(job.id)
        while not one.is_over:
            one.follow(job.record)
            awaited.draw(DRAW_EVERY_S)
            if time.monotonic() - looked_at > RECHECK_S:
                looked_at = time.monotonic()
                job.look_again()
    return str(job.state)


def _executed(job: Job[ExecutedNotebook]) -> ExecutedNotebook | None:
    """Return what was executed, all of it or a part; None where that is not kept."""
    if job.cancelled():
        return None
    error = job.exception()
    found = job.result() if error is None else getattr(error, "notebook", None)
    return cast("ExecutedNotebook | None", found)


def _save(done: ExecutedNotebook, path: Path) -> None:
    try:
        typer.echo(f"{done!r} is in {done.save(path)}", err=True)
    except OSError as error:
        raise RequestError(f"Cannot write {path}: {error.strerror}.") from None
