"""What a test has started ends with it, also where it is killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from waiting import wait_until

STARTS_ONE = """
import signal, subprocess, sys
sys.path.insert(0, sys.argv[1])
from orphans import no_orphan
child = subprocess.Popen(["sleep", "60"], preexec_fn=no_orphan(signal.SIGTERM))
print(child.pid, flush=True)
child.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems tell nobody")
def test_a_process_ends_with_who_started_it() -> None:
    """Killed at once, as `timeout` or a full machine does it."""
    command = [sys.executable, "-c", STARTS_ONE, str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        child = psutil.Process(int(starter.stdout.readline()))
        starter.send_signal(signal.SIGKILL)
    try:
        wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 10)
    finally:
        with suppress(psutil.NoSuchProcess):
            child.kill()
