"""A notebook's kernel: which one it is, and how it is started so that no port is open for it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager, NoSuchKernel
from jupyter_client.manager import AsyncKernelManager

from taskkit.notebooks.reading import language

from ..guard import command
from ..limits import has_memory_limit, limit_as_well
from ..tree import descendants

MOST_ADDRESS_CHARS = 100
"""Of a socket's path. Source: unix(7), less what jupyter_client adds."""


class Kernel:
    """One kernel, which speaks over sockets in a private folder."""

    def __init__(self, name: str, private: Path) -> None:
        address = str(private / "k")
        if len(address) > MOST_ADDRESS_CHARS:
            raise OSError(f"{tempfile.gettempdir()} is too long a path for a kernel's sockets")
        self.pid: int | None = None
        #: The guard's process, which leads the group of all; None before it is there.
        self._guard: Any = None
        self.manager = _Guarded(
            kernel_name=name,
            transport="ipc",
            ip=address,
            connection_file=str(private / "kernel.json"),
        )

    @classmethod
    def of(cls, node: Any, name: str | None, private: Path) -> Kernel:
        """Return the kernel of that name, or the one that a notebook names.

        A Python's that is not here is this worker's own.

        Raises:
            LookupError: There is none.
        """
        specs = KernelSpecManager()
        wanted = name or node.metadata.get("kernelspec", {}).get("name") or NATIVE_KERNEL_NAME
        try:
            specs.get_kernel_spec(wanted)
        except NoSuchKernel:
            found = sorted(specs.find_kernel_specs())
            if name is not None or language(node) != "python" or NATIVE_KERNEL_NAME not in found:
                has = f"it has {', '.join(found)}" if found else "pip install ipykernel there"
                raise LookupError(f"the worker has no kernel {wanted!r}; {has}") from None
            print(  # noqa: T201 — into the job's own output
                f"taskkit: the worker has no kernel {wanted!r}; its own Python runs the notebook",
                file=sys.stderr,
            )
            wanted = NATIVE_KERNEL_NAME
        return cls(wanted, private)

    def note_start(self) -> None:
        """Take note of its process, which the manager forgets when that is over."""
        self._guard = getattr(self.manager.provisioner, "process", None)
        self.pid = None if self._guard is None else self._guard.pid

    def limit(self) -> None:
        """Have it take as much memory as the job may, on top of what it has taken to start."""
        if self.pid is None or not has_memory_limit():
            return
        with contextlib.suppress(OSError, psutil.Error):  # it has ended already
            for process in descendants(psutil.Process(self.pid)):
                limit_as_well(process.pid)

    def code(self, within_s: float = 2.0) -> int | None:
        """Return how it has ended, below 0 by which signal; None where that is not to be told."""
        try:
            return None if self._guard is None else int(self._guard.wait(within_s))
        except subprocess.TimeoutExpired:
            return None

    @property
    def language(self) -> str:
        """The kernel's language, in small letters."""
        spec = self.manager.kernel_spec
        return "" if spec is None else str(spec.language).lower()


class _Guarded(AsyncKernelManager):
    """Starts the kernel behind a guard; see there."""

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """Return the command that starts it."""
        return command(super().format_kernel_cmd(extra_arguments))
