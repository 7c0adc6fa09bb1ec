"""`taskkit status`, `logs` and `down`: a stack that runs elsewhere, seen and stopped."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from .extras import require
from .terminal import console, duration, log_line, note, short

if TYPE_CHECKING:
    from ..protocol.workers import WorkerInfo
    from ..stack.control import PartStatus

_SHADES = {"running": "green", "starting": "yellow", "restarting": "yellow"}


def status() -> None:
    """Show the running stack: its parts and its workers."""
    require("server")
    from ..stack.parts import list_workers
    from ..stack.running import RunningStack

    stack = RunningStack.require()
    console.print(f"\n  taskkit at [bold]{stack.url}[/bold]")
    console.print(parts_table(stack.parts()))
    workers = list_workers(stack.url, stack.token)
    if workers:
        console.print(workers_table(workers))
    else:
        note("no worker is there")
    if stack.fsync:
        note(f"appendfsync {stack.fsync}")
    note(f"logs in {short(Path(stack.logs))}\n")


def parts_table(parts: list[PartStatus]) -> Table:
    """Return the parts, one a row."""
    table = _table("part", "state", "pid", "uptime", "restarts")
    for part in parts:
        shade = _SHADES.get(part.state, "red")
        pid = str(part.pid or "–")
        uptime = duration(part.uptime_s) if part.pid else "–"
        table.add_row(
            part.name, f"[{shade}]{part.state}[/{shade}]", pid, uptime, str(part.restarts)
        )
    return table


def workers_table(workers: list[WorkerInfo]) -> Table:
    """Return the workers, one a row: those of this stack and those that joined it."""
    table = _table("worker", "host", "processes", "python", "jobs now")
    for worker in workers:
        table.add_row(
            worker.name,
            worker.host,
            str(worker.processes),
            worker.python,
            str(len(worker.jobs)),
        )
    return table


def _table(*headings: str) -> Table:
    table = Table(box=SIMPLE_HEAD, header_style="dim", pad_edge=True)
    for heading in headings:
        is_number = heading in ("pid", "uptime", "restarts", "processes", "jobs now")
        table.add_column(heading, justify="right" if is_number else "left")
    return table


def logs(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="Last lines a part.")] = 20,
) -> None:
    """Show what the parts of the running stack write."""
    require("server")
    from ..stack.logs import LogFollower, last_lines
    from ..stack.running import RunningStack

    stack = RunningStack.require()
    folder, names = Path(stack.logs), [part.name for part in stack.parts()]
    follower = LogFollower(folder, names)
    follower.skip()
    for name in names:
        for line in last_lines(folder / f"{name}.log", lines):
            log_line(name, line)
    try:
        while follow and stack.is_alive():
            for name, line in follower.lines():
                log_line(name, line)
            time.sleep(0.2)
    except KeyboardInterrupt:
        return


def down() -> None:
    """Stop the running stack: worker, server, then Redis."""
    require("server")
    from ..stack.running import RunningStack

    stack = RunningStack.find()
    if stack is None:
        note("no stack is running")
        return
    with console.status("stopping", spinner="dots"):
        stack.stop()
    note("stopped; nothing is left running")
