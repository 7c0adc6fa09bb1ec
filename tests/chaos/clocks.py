"""Clocks that can be set while processes run."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path


class Clock:
    """The wall clock of the processes that have its `environment`; monotonic time is left alone."""

    def __init__(self, folder: Path, name: str) -> None:
        """Make one, true at first; a C compiler is needed."""
        folder.mkdir(parents=True, exist_ok=True)
        self._file, self._library = folder / f"{name}.clock", folder / f"{name}-clock.so"
        self.set(0)
        source = Path(__file__).with_name("clock.c")
        command = ["cc", "-O1", "-shared", "-fPIC", "-o", str(self._library), str(source)]
        subprocess.run(command, check=True)

    def set(self, ahead_s: int) -> None:
        """Let it be so many seconds ahead of the true time."""
        file = os.open(self._file, os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(file, struct.pack("l", ahead_s), 0)
        os.close(file)

    @property
    def environment(self) -> dict[str, str]:
        """Variables for a process."""
        return {"LD_PRELOAD": str(self._library), "CHAOS_CLOCK": str(self._file)}


def why_not() -> str:
    """Return why clocks cannot be set here, or "" where they can."""
    if sys.platform != "linux":
        return "clocks are set by LD_PRELOAD, which is Linux'"
    return "" if shutil.which("cc") else "there is no C compiler"
