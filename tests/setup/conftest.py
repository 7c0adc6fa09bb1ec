"""Fixtures of the tests of the set-up."""

from __future__ import annotations

from pathlib import Path

import pytest
from machine import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine with a Python that fits, and without uv, conda or a browser."""
    machine = Machine(tmp_path)
    machine.has_python()
    return machine
