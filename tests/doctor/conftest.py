"""The command, and one stack for all that leave it whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from told import Doctor, settle

import taskkit


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
