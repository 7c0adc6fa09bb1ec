"""``python -m taskkit_worker.guard --of PID -- COMMAND…``: a command that leaves nothing behind.

It is between a job and a process that the job starts. When that ends, however it does, so does all
that it has started; and all of it when the job's process, PID, is gone.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from types import FrameType

from taskkit.parent import die_with_parent

from .tree import adopt_orphans, end_descendants

PARENT = "JPY_PARENT_PID"
"""By which a kernel knows whom it is not to outlive. Source: ipykernel, `ParentPollerUnix`."""


class _OverError(Exception):
    """This process is told to end."""


def main() -> None:
    """Run the command, and end as it does."""
    _, of, _, *command = sys.argv[1:]
    adopt_orphans()
    # Interrupts are for the command, which is in the same group; a handler is not inherited.
    signal.signal(signal.SIGINT, lambda _number, _frame: None)
    signal.signal(signal.SIGTERM, _end)
    # A limit of memory was reckoned from what the job's process has: see `limits.limit_as_well`.
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    die_with_parent(signal.SIGTERM)
    code = 128 + signal.SIGTERM
    try:
        if os.getppid() != int(of):
            return  # it went before it could be watched
        parent = {PARENT: str(os.getpid())}
        code = subprocess.Popen(command, env={**os.environ, **parent}).wait()  # noqa: S603
    except _OverError:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        end_descendants()
    _end_like(code)


def command(words: list[str]) -> list[str]:
    """Return how to have a command guarded, for this process."""
    # Not in the folder that the command is for: what is there is not for this one.
    python = [sys.executable, "-P", "-m", "taskkit_worker.guard"]
    return [*python, "--of", str(os.getpid()), "--", *words]


def _end(_number: int, _frame: FrameType | None) -> None:
    raise _OverError


def _end_like(code: int) -> None:
    if code >= 0:
        sys.exit(code)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if -code != signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)


if __name__ == "__main__":
    main()
