"""What a process that runs jobs gives up, once and before its first one.

At the level `limits` it holds the connection to Redis, so this confines what jobs do to the
machine, not what they do to the service. At `box` it holds nothing, see there. docs/security.md
says what each level protects.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import re
import resource
import subprocess
import sys
from typing import Any

LEVELS = ("off", "limits", "box")

MOST_FILES = 4096
MOST_FILE_BYTES = 64 * 2**30
MOST_PROCESSES = 512
"""Of the jobs' own user, all workers on the machine together; threads count, too."""

KEPT = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR|TERM|COLUMNS|LINES"
    r"|PYTHON\w+|VIRTUAL_ENV|CONDA_\w+|LD_LIBRARY_PATH|SSL_CERT_(FILE|DIR)"
    r"|\w+_NUM_THREADS|OPENBLAS_CORETYPE|OPENBLAS_L2_SIZE|CUDA_VISIBLE_DEVICES"
    r"|MPLBACKEND|MPLCONFIGDIR|XDG_CACHE_HOME|TASKKIT_(JOB_ID|ATTEMPT)"
)
"""The variables that jobs see; of all others nobody has said that they hold no secret."""

_PR_SET_NO_NEW_PRIVS = 38
_PR_GET_NO_NEW_PRIVS = 39


def why_not(user: str | None) -> str:
    """Return why a process cannot be confined here as it was asked, or "" where it can."""
    if sys.platform != "linux":
        return "it needs Linux"
    if user is None:
        return ""
    if os.geteuid() != 0:
        return f"only root can have jobs run as {user}"
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        return f"there is no user {user}"
    if found.pw_uid == 0:
        return f"{user} is root"
    return (
        "" if _can_import(found) else f"{user} cannot read this Python and taskkit in {sys.prefix}"
    )


def _can_import(user: pwd.struct_passwd) -> bool:
    command = [sys.executable, "-c", "import taskkit_worker.shift"]
    whose: Any = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}
    try:
        subprocess.run(command, cwd="/", capture_output=True, check=True, **whose)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def enter(*, user: str | None, is_alone: bool = False) -> None:
    """Confine this process and all that it starts; there is no way back.

    is_alone: whether the number of processes may be bounded, since no others of its user are seen.

    Raises:
        OSError: A part of it cannot be had. No job may run then.
    """
    for name in [name for name in os.environ if not KEPT.fullmatch(name)]:
        del os.environ[name]
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, MOST_FILES)
    _limit(resource.RLIMIT_FSIZE, MOST_FILE_BYTES)
    if user is not None or is_alone:
        _limit(resource.RLIMIT_NPROC, MOST_PROCESSES)
    if user is not None:
        _become(user)
    libc = ctypes.CDLL(None, use_errno=True)
    refused = libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if refused or not libc.prctl(_PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "no_new_privs cannot be set")


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def _become(user: str) -> None:
    found = pwd.getpwnam(user)
    os.setgroups([])
    os.setresgid(found.pw_gid, found.pw_gid, found.pw_gid)
    os.setresuid(found.pw_uid, found.pw_uid, found.pw_uid)
    os.environ |= {"HOME": found.pw_dir, "USER": user, "LOGNAME": user}
