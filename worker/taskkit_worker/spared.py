"""SIGTERM in a pool process: left to the main process, which gives back what does not end in time.

Slurm, PBS and ``kill -- -PGID`` end a job by a SIGTERM to all of its processes. By default it
would end the pool's, each with an attempt that counts as lost.
"""

from __future__ import annotations

import os
import signal
from types import FrameType


def leave_sigterm_to_main() -> None:
    """Have this process pass over SIGTERM.

    What it forks ends by it as ever, so that a job's own processes can be terminated; what it
    executes has the default, for handlers are not inherited by that.
    """
    own = os.getpid()

    def on_terminate(number: int, _frame: FrameType | None) -> None:
        if os.getpid() != own:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, on_terminate)
