"""More workers for a stack, each with what a test gives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from waiting import wait_until

import taskkit


@contextmanager
def extra_worker(
    stack: taskkit.LocalStack, *words: str, cores: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run one more worker of a stack; it has joined.

    cores: on how many it may run, of those that this process may.
    """

    def bind() -> None:
        if cores is not None:
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])

    process = subprocess.Popen(
        [sys.executable, "-m", "taskkit_worker", *words],
        env={
            **os.environ,
            "TASKKIT_REDIS_URL": stack.redis_url,
            "TASKKIT_SIGNING_KEYS_FILE": str(stack.signing_keys_file),
        },
        preexec_fn=bind,
    )
    try:
        with stack.client() as client:
            wait_until(lambda: process.pid in [worker.pid for worker in client.workers()])
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def end_at_once(process: subprocess.Popen[bytes]) -> None:
    """Kill a worker with its whole pool, as a machine that loses its power does."""
    victims = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for victim in victims:
        victim.kill()
    process.wait(60)
