"""`taskkit lab`: JupyterLab with a stack behind it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..protocol.errors import RequestError
from .configured import File
from .extras import require
from .terminal import console, note
from .up import Port, StopSignals, Tasks, Workers, stack_settings, start


def lab(
    options: Annotated[
        list[str] | None, typer.Argument(help="Options for JupyterLab, after `--`.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="The notebooks to show.")] = Path("notebooks"),
    port: Port = None,
    workers: Workers = None,
    tasks: Tasks = None,
    config: File = None,
) -> None:
    """Open JupyterLab; where no stack is running, start one and stop it at the end."""
    require("server", "worker", "notebook")
    from ..stack.folders import Folders
    from ..stack.running import RunningStack
    from ..stack.stack import Stack

    if not folder.is_dir():
        raise RequestError(f"There is no folder {folder}: name the one with your notebooks.")
    running = RunningStack.find()
    if running is not None:
        note(f"using the stack at {running.url}")
        raise typer.Exit(jupyter(folder, options or []))
    stops = StopSignals()
    given = {
        "server.port": ("--port", port),
        "worker.concurrency": ("--workers", workers),
        "worker.tasks": ("--tasks", tasks),
    }
    stack = Stack(stack_settings(given, config), Folders.of_user())
    try:
        start(stack)
        console.print()
        stops.is_patient = True
        code = jupyter(folder, options or [])
    except KeyboardInterrupt:
        code = 1
    finally:
        stack.stop(is_hurried=lambda: stops.count > 2)
    note("stopped; nothing is left running")
    raise typer.Exit(code)


def jupyter(folder: Path, options: list[str]) -> int:
    """Run JupyterLab until it ends; return its exit code. Ctrl-C is its own to answer.

    Kernels and dashboard find the stack by its file, also when it comes back at another port.
    """
    command = [sys.executable, "-m", "jupyterlab", f"--notebook-dir={folder}", *options]
    if os.geteuid() == 0:
        command.append("--allow-root")  # else it refuses to start, e.g. in a container
    elsewhere = ("TASKKIT_URL", "TASKKIT_TOKEN")
    environment = {name: value for name, value in os.environ.items() if name not in elsewhere}
    process = subprocess.Popen(command, env=environment)  # noqa: S603 — no shell
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to both
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    return process.wait()
