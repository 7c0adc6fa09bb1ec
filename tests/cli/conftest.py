"""A stack with jobs in each state, and an environment that knows where it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from held_jobs import Held, environment, steps

import taskkit
from taskkit.client import Client


@pytest.fixture
def env(stack: taskkit.LocalStack, tmp_path: Path) -> dict[str, str]:
    """The environment of a command that finds the shared stack."""
    return environment(stack.url, stack.token, tmp_path)


@pytest.fixture
def client(stack: taskkit.LocalStack) -> Iterator[Client]:
    """A client of it."""
    with stack.client() as made:
        yield made


@pytest.fixture
def held(client: Client, tmp_path: Path) -> Iterator[Held]:
    """A running job, half-way."""
    gate = tmp_path / "gate"
    job = client.options(name="held").submit(steps, str(gate))
    deadline = time.monotonic() + 60
    while "step 5" not in job.output:
        assert time.monotonic() < deadline
        job.look_again()
        time.sleep(0.05)
    yield Held(job, gate)
    gate.touch()
    job.cancel()
