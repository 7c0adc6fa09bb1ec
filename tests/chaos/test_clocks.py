"""A process's clock is set while it runs, and only that."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chaos.clocks import Clock, why_not

TELL = """
import sys, time, datetime
for line in sys.stdin:
    time.sleep(0.01)
    print(time.time(), datetime.datetime.now().timestamp(), time.monotonic(), flush=True)
"""


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "clocks can be set")
def test_a_clock_jumps_while_its_process_runs(tmp_path: Path) -> None:
    """Wall time by whatever call; sleeping and monotonic time are as they were."""
    clock = Clock(tmp_path, "one")
    with subprocess.Popen(
        [sys.executable, "-c", TELL],
        env={**os.environ, **clock.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for ahead_s in (0, 3600, -3600, 0):
            clock.set(ahead_s)
            process.stdin.write("\n")
            process.stdin.flush()
            wall, other, monotonic = map(float, process.stdout.readline().split())
            assert abs(wall - time.time() - ahead_s) < 60
            assert abs(other - time.time() - ahead_s) < 60
            assert abs(monotonic - time.monotonic()) < 60
        process.stdin.close()
