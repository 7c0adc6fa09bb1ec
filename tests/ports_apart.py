"""Ports of its own for each of the processes that run tests at the same time.

What one of them stops and starts again on the same port finds it free: no other took it meanwhile.
"""

from __future__ import annotations

import pytest

from taskkit.stack import identity

# Neither the ports of outgoing connections nor those that a stack of somebody else chooses from: a
# `taskkit up` that a test starts, or tests that run without any others.
APART = range(10_000, 20_000)


def ports_of(number: int, count: int) -> range:
    """Return the ports of one of so many processes, which has this number from 0 on."""
    return APART[number::count]


def pytest_configure(config: pytest.Config) -> None:
    """Have `free_port` choose among them, where pytest-xdist runs this process."""
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        number = int(worker["workerid"].removeprefix("gw"))
        identity._PORTS = ports_of(number % worker["workercount"], worker["workercount"])
