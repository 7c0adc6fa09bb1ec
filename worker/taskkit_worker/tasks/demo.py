"""A task that only shows that everything works."""

from __future__ import annotations

import socket
import time

import taskkit

DURATION_S = 4.0
STEPS = 20


@taskkit.task
def demo(name: str = "Hello") -> str:
    """Do nothing for 4 s, and say so.

    Prints one line when it starts and one when it has finished, each with the local time and the
    worker's host, and reports its progress in 20 steps.

    >>> demo("Ada")  # doctest: +SKIP
    'Task Ada took 4 s on lab-7.'
    """
    host = socket.gethostname()
    _say(f"Worker {host} started  Task {name}")
    for _ in taskkit.track(range(STEPS), message=name):
        time.sleep(DURATION_S / STEPS)
    _say(f"Worker {host} finished Task {name}")
    return f"Task {name} took {DURATION_S:g} s on {host}."


def _say(text: str) -> None:
    # The line's form is an old one, which other programs may read: HH:MM:SS, host, word, name.
    print(time.strftime("%H:%M:%S"), text, flush=True)  # noqa: T201  output is what this task is for
