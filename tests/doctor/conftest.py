"""The command, and one stack for all that leave it whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from told import Doctor

import taskkit
from taskkit.connection import read_private, write_private


@pytest.fixture(scope="module")
def sound() -> Iterator[taskkit.LocalStack]:
    """A stack that wants a token, of two worker processes."""
    with taskkit.LocalStack(workers=2) as running:
        yield running


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """The command, in a home of its own."""
    return Doctor(tmp_path)


@pytest.fixture
def at_home(doctor: Doctor, sound: taskkit.LocalStack) -> Doctor:
    """The command on the machine of the stack, as if that had been started by `taskkit up`."""
    settle(doctor, sound)
    return doctor


def settle(doctor: Doctor, stack: taskkit.LocalStack) -> None:
    """Have the run folder tell of a stack."""
    told = read_private(stack._running().folders.run / "stack.json")
    assert told is not None
    write_private(doctor.runtime() / "stack.json", told)
    connection = {"url": stack.url, "token": stack.token, "pid": told["pid"]}
    write_private(doctor.runtime() / "connection.json", connection)
    doctor.secrets = (stack.token, stack.redis_url.partition("@")[0].rpartition(":")[2])
