"""Become a part of a stack: bound to the supervisor's life, then exec.

In the process that supervisord has forked for the part, which needs no Python of its own for that:
a part starts 30 ms sooner.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from ..parent import die_with_parent


def become(spec_path: str, environ: dict[str, str]) -> NoReturn:
    """Replace this process by the command in the JSON file `spec_path`; change `environ` for it."""
    spec = json.loads(Path(spec_path).read_bytes())
    supervisor = int(environ.pop("TASKKIT_SUPERVISOR_PID"))
    die_with_parent(signal.Signals[spec["dies_by"]])
    if os.getppid() != supervisor:
        sys.exit("the supervisor is gone")
    # A shell's `&`, supervisord and its Python leave signals ignored or handled, and exec would
    # keep the former.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    if spec["lock"]:
        handle = os.open(spec["lock"], os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.set_inheritable(handle, True)
    for name, value in spec["env"].items():
        environ.pop(name, None)
        if value is not None:
            environ[name] = value
    os.chdir(spec["folder"])
    command = spec["command"]
    os.execvpe(command[0], command, environ)  # noqa: S606 — our own command, no shell wanted
