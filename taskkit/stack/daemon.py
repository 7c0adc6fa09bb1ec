"""The supervising process: supervisord, bound to the life of the process that asked for it.

``python -m taskkit.stack.daemon`` in the run folder, whose ``daemon.json`` says the rest.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from ..lean import hollow, without
from ..private import read_private
from .remains import clean

# It serves a socket of this machine, and asks nobody by HTTP.
with without("ssl"), hollow("http.client"):
    from supervisor import supervisord
# isort: split
from .full_disk import be_patient


def main() -> None:
    """Supervise until asked to stop, or until the maker is gone; then clean up."""
    spec = read_private(Path("daemon.json"))
    if spec is None:
        sys.exit("daemon.json cannot be read")
    os.environ["TASKKIT_SUPERVISOR_PID"] = str(os.getpid())
    if spec["maker"] is not None:
        threading.Thread(target=follow, args=(spec["maker"],), name="maker", daemon=True).start()
    be_patient()
    try:
        supervisord.main(["-n", "-c", "supervisor.conf"])
    finally:
        clean(Path.cwd(), [Path(folder) for folder in spec["temporary"]])


def follow(maker: int) -> None:
    """Wait for the end of process `maker`, then ask this process to stop.

    A death signal from the kernel would not do: it comes when the *thread* that made this process
    ends, and a notebook's or a test's stack may well be started in a thread.
    """
    with suppress(OSError):
        wait_for_end(maker)
    os.kill(os.getpid(), signal.SIGTERM)


def wait_for_end(maker: int) -> None:
    """Return when process `maker`, the parent, has ended."""
    if sys.platform == "linux":
        handle = os.pidfd_open(maker)
        if os.getppid() == maker:  # else it had ended, and its number may be another's by now
            select.select([handle], [], [])
        return
    while os.getppid() == maker:
        time.sleep(0.5)  # macOS has no pidfd


if __name__ == "__main__":
    main()
