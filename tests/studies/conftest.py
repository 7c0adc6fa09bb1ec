"""What tests of studies share: a client, names that no other test has, and a gate."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

import taskkit


@pytest.fixture
def client(stack: taskkit.LocalStack) -> Iterator[taskkit.Client]:
    """A client of the session's stack."""
    opened = stack.client()
    yield opened
    opened.close()


@pytest.fixture
def other(stack: taskkit.LocalStack) -> Iterator[taskkit.Client]:
    """Another kernel's client."""
    opened = stack.client()
    yield opened
    opened.close()


@pytest.fixture
def name() -> str:
    """A study's name that no other test has."""
    return f"study {uuid.uuid4().hex[:12]}"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """A file for which held calls wait; it is there at the end in any case."""
    path = tmp_path / "gate"
    yield path
    path.touch()
