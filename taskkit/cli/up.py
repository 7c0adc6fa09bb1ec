"""`taskkit up`: a stack in the foreground, or left running."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ..protocol.errors import Unavailable
from .configured import File, configured
from .extras import require
from .terminal import caution, console, good, log_line, note

if TYPE_CHECKING:
    from ..config.loading import Arguments
    from ..stack.parts import Settings
    from ..stack.stack import Stack

_LOOK_EVERY_S = 0.2
_EXITED = re.compile(r"exited: (?P<part>\w+) \((?P<cause>.*?)(; not expected)?\)$")

Port = Annotated[
    int | None,
    typer.Option(min=1, max=65_535, help="Port of the server.", show_default="5000"),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Jobs at once.", show_default="one a core")
]
Tasks = Annotated[
    list[str] | None,
    typer.Option("--tasks", help="A module, file or folder with named tasks; repeatable."),
]


def up(
    port: Port = None,
    workers: Workers = None,
    tasks: Tasks = None,
    is_open: Annotated[
        bool | None, typer.Option("--open", help="Take requests from this machine without a token.")
    ] = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when all is ready and leave it running.")
    ] = False,
    fsync: Annotated[
        Literal["always", "everysec"] | None,
        typer.Option(
            help="When Redis puts accepted jobs on the disk: before the answer, or once a second, "
            "which is faster and can lose about two seconds of them by a power cut.",
            show_default="always",
        ),
    ] = None,
    config: File = None,
) -> None:
    """Start Redis, the server and a worker; Ctrl-C stops them."""
    require("server", "worker")
    from ..stack.folders import Folders
    from ..stack.stack import Stack

    given = {
        "server.port": ("--port", port),
        "server.open": ("--open", is_open),
        "worker.concurrency": ("--workers", workers),
        "worker.tasks": ("--tasks", tasks),
        "redis.fsync": ("--fsync", fsync),
    }
    settings = stack_settings(given, config)
    stops = StopSignals()
    stack = Stack(settings, Folders.of_user(), detached=detach)
    try:
        start(stack)
    except KeyboardInterrupt:
        note("stopped before it was ready")
        raise typer.Exit(1) from None
    stops.is_patient = True
    console.print("  In a notebook:  [bold]import taskkit; client = taskkit.Client()[/bold]")
    if detach:
        note("It runs on: `taskkit status` shows it, `taskkit down` stops it.")
        return
    note("Ctrl-C stops it.")
    console.print()
    attend(stack, stops)


def stack_settings(given: Arguments, config: Path | None) -> Settings:
    """Return what a stack is told by arguments, variables and file."""
    from ..config.loading import redis_of
    from ..stack.identity import free_port
    from ..stack.parts import Settings

    told = configured(given, config)
    return Settings(
        port=told.server.port or free_port(),
        workers=told.worker.concurrency or os.cpu_count() or 1,
        tasks=told.worker.tasks,
        is_open=told.server.open,
        fsync=told.redis.fsync,
        redis_url=redis_of(told) if told.redis.url else None,
        blobs=told.blobs.place,
    )


def start(stack: Stack) -> None:
    """Start `stack`, with a line for each part that is ready."""
    began = time.monotonic()
    console.print()
    with console.status("starting", spinner="dots"):
        stack.start(on_ready=lambda part: good(part.name, part.summary))
    for warning in stack.warnings:
        caution(warning)
    seconds = time.monotonic() - began
    console.print()
    console.print(f"  taskkit is ready at [bold]{stack.url}[/bold] [dim]({seconds:.1f} s)[/dim]")


def attend(stack: Stack, stops: StopSignals) -> None:
    """Show what the parts write until the stack ends or is asked to, then stop it."""
    from ..stack.logs import LogFollower

    parts = [status.name for status in stack.status()]
    log = LogFollower(stack.folders.logs, [*parts, "supervisor"])
    log.skip()

    def show() -> None:
        for part, line in log.lines():
            if part != "supervisor":
                log_line(part, line)
            elif died := _EXITED.search(line):
                log_line(died["part"], f"ended ({died['cause']}); starting it again")

    while not stops.count and not stack.wait(_LOOK_EVERY_S):
        show()
    show()
    code = stack.exit_code()
    if code is None:
        console.print()
        note("stopping; running jobs get 10 s and are given to the next worker (Ctrl-C: at once)")

        def is_hurried() -> bool:
            show()
            return stops.count > 1

        stack.stop(is_hurried=is_hurried)
    stack.stop()
    if code:
        raise Unavailable(
            f"The stack's supervisor was killed ({_cause(code)}), and all parts with it; "
            "accepted jobs are kept: start it again with `taskkit up`."
        )
    note("stopped; nothing is left running")


def _cause(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


class StopSignals:
    """Counts Ctrl-C and SIGTERM. The first one interrupts the main thread unless `is_patient`."""

    def __init__(self) -> None:
        self.count = 0
        self.is_patient = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._receive)

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self.count == 1 and not self.is_patient:
            raise KeyboardInterrupt
