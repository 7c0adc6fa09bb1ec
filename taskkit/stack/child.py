"""Become a part of a stack: bound to the supervisor's life, then exec.

Run as a file, by ``python -I -S child.py SPEC`` and with the standard library only: it starts in
20 ms, and a restart does not wait for the imports of `taskkit`.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

PR_SET_PDEATHSIG = 1
# Source: prctl(2). Cleared by fork, kept by exec; the signal comes when the parent's thread ends.


def become(spec_path: str) -> NoReturn:
    """Replace this process by the command in the JSON file `spec_path`."""
    spec = json.loads(Path(spec_path).read_bytes())
    supervisor = int(os.environ.pop("TASKKIT_SUPERVISOR_PID"))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_PDEATHSIG, signal.Signals[spec["dies_by"]])
    if os.getppid() != supervisor:
        sys.exit("the supervisor is gone")
    # A shell's `&` and supervisord's Python leave signals ignored, and exec would keep that.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    if spec["lock"]:
        handle = os.open(spec["lock"], os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.set_inheritable(handle, True)
    for name, value in spec["env"].items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    os.chdir(spec["folder"])
    command = spec["command"]
    os.execvpe(command[0], command, os.environ)  # noqa: S606 — our own command, no shell wanted


if __name__ == "__main__":
    become(sys.argv[1])
