"""Attempts on the ledger in memory, in this process."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    """Attempts leave SIGINT ignored, as in a pool process; this one wants it back."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _environment() -> Iterator[None]:
    """Attempts tell jobs who they are; this process is none afterwards."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def fresh_imports(tmp_path: Path) -> Iterator[None]:
    """What a test imports from its own folder is forgotten afterwards."""
    before = [*sys.path]
    yield
    sys.path[:] = before
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]
