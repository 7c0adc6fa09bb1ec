"""Runs a notebook within an attempt: its kernel in a process of its own, which ends with it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
import psutil

from taskkit.notebooks.executed import ExecutedNotebook
from taskkit.protocol.errors import JobTimedOut

from ..tree import end_tree
from .execution import Execution
from .kernel import Kernel
from .partly import within
from .relayed import Relayed

INTERRUPT_S = 1.0
"""How long an interrupted cell may take to end; less than the keeper gives the whole process."""

END_S = 10.0
"""How long it may take to see that a kernel was ended."""


def run(
    *,
    name: str,
    notebook: bytes,
    files: Mapping[str, bytes],
    kernel_name: str | None = None,
    cwd: str | None = None,
) -> ExecutedNotebook:
    """Run a notebook's cells, one after another, and return it with what they gave.

    notebook: its JSON, with its parameters. files: what is beside it, by paths from its folder,
    which is one of the job's own unless `cwd` names one. kernel_name: in place of its own.

    Raises:
        CellFailed: A cell has raised, or the kernel has died.
        JobTimedOut: The job's time is over; its `notebook` is what was executed.
        LookupError: There is no such kernel.
    """
    node = nbformat.reads(notebook.decode(), as_version=4)  # type: ignore[no-untyped-call]
    with _folders(files, cwd) as (private, folder), Relayed(private / "said") as said:
        kernel = Kernel.of(node, kernel_name, private)
        execution = Execution(node, name, kernel, folder, said)
        thread = threading.Thread(target=execution.run, name="taskkit-notebook", daemon=True)
        thread.start()
        try:
            execution.is_over.wait()
        except (KeyboardInterrupt, JobTimedOut) as stopped:
            _stop(kernel, execution)
            if isinstance(stopped, JobTimedOut):
                stopped.notebook = within(name, execution.executed())
            raise
        finally:
            if execution.is_over.is_set():
                thread.join()
        execution.require()
        return ExecutedNotebook(name, execution.executed())


def _stop(kernel: Kernel, execution: Execution) -> None:
    """Interrupt the cell that runs, so that it can clean up, and then end it all."""
    if kernel.pid is None:  # it is being started, and ends with what else this process has begun
        return
    with suppress(psutil.NoSuchProcess, ProcessLookupError):
        try:
            os.killpg(kernel.pid, signal.SIGINT)
            execution.is_over.wait(INTERRUPT_S)
        finally:
            end_tree(kernel.pid)
    execution.is_over.wait(END_S)


@contextmanager
def _folders(files: Mapping[str, bytes], cwd: str | None) -> Iterator[tuple[Path, Path]]:
    """Make a folder for the kernel's sockets, which nobody else reads, and one for its files.

    Yields the first, and where the cells are run.
    """
    with _temporary("taskkit-k-") as private:
        if cwd is not None:
            if not Path(cwd).is_dir():
                raise FileNotFoundError(f"this worker has no folder {cwd}, in which it is to run")
            yield private, Path(cwd)
            return
        with _temporary("taskkit-notebook-") as folder:
            for place, content in files.items():
                path = folder / place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            yield private, folder


@contextmanager
def _temporary(prefix: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
