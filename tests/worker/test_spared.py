"""SIGTERM in a process that runs jobs."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import multiprocessing, os, signal, subprocess, time
from taskkit_worker.spared import leave_sigterm_to_main

leave_sigterm_to_main()
os.kill(os.getpid(), signal.SIGTERM)
print("goes on", flush=True)
here, there = multiprocessing.Pipe()

def wait():
    there.send("up")
    while True:
        time.sleep(0.05)

forked = multiprocessing.get_context("fork").Process(target=wait)
forked.start()
here.recv()
forked.terminate()
forked.join(20)
print("forked", forked.exitcode, flush=True)
started = subprocess.Popen(["sleep", "60"])
started.terminate()
print("started", started.wait(20), flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="it has no SIGTERM")
def test_it_passes_over_it_and_what_it_starts_does_not() -> None:
    """What a job forks, and what it starts, can be terminated as ever."""
    ran = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, timeout=90, check=False
    )
    assert ran.stdout.splitlines() == ["goes on", "forked -15", "started -15"], ran.stderr
    assert ran.returncode == 0
