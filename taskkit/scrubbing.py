"""Secrets that came in variables, taken out of a process's environment for good."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from .config.names import SECRET_VARIABLES

SECRETS = SECRET_VARIABLES

_ENV_START, _ENV_END = 49, 50
"""Their places in /proc/PID/stat, from 0. Source: proc_pid_stat(5)."""


def forget(names: Iterable[str] = SECRETS) -> None:
    """Take variables out of ``os.environ``, and their values out of /proc/PID/environ on Linux.

    That shows the memory in which the process got its first environment, whatever became of it, to
    all processes of the same user. Before anything is forked, which would have a copy.
    """
    for name in names:
        os.environ.pop(name, None)
    if sys.platform == "linux":
        with suppress(OSError, ValueError, IndexError):
            _overwrite(names)


def _overwrite(names: Iterable[str]) -> None:
    # The name of the program, in brackets, may hold anything.
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[_ENV_START - 2]), int(fields[_ENV_END - 2])
    if not 0 < start < end:
        return
    at = start
    for entry in ctypes.string_at(start, end - start).split(b"\0"):
        name, _, value = entry.partition(b"=")
        if value and name.decode(errors="replace") in names:
            ctypes.memset(at + len(name) + 1, ord("-"), len(value))
        at += len(entry) + 1
