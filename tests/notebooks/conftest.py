"""nbval, as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import taskkit

Nbval = Callable[[Path], subprocess.CompletedProcess[str]]


@pytest.fixture
def nbval(stack: taskkit.LocalStack) -> Nbval:
    """Return a function that runs a notebook by nbval, as a user's pytest would."""

    def run(path: Path) -> subprocess.CompletedProcess[str]:
        told = {"TASKKIT_URL": stack.url, "TASKKIT_TOKEN": stack.token}
        options = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=120"]
        # No configuration: the project's is about its own tests, not about a notebook's cells.
        plain = ["-q", "-c", os.devnull, f"--rootdir={path.parent}", "-p", "no:cacheprovider"]
        return subprocess.run(
            [sys.executable, "-m", "pytest", *plain, *options, str(path)],
            env={**os.environ, **told},
            cwd=path.parent,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    return run
