"""nbval, as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import pytest

import taskkit


class Nbval(Protocol):
    """Runs a notebook by nbval, and returns what pytest said."""

    def __call__(self, path: Path, *options: str) -> subprocess.CompletedProcess[str]:
        """`options` are pytest's own, as ``-x``, which stops at the first cell that fails."""


@pytest.fixture
def nbval(stack: taskkit.LocalStack) -> Nbval:
    """Return a function that runs a notebook by nbval, as a user's pytest would."""

    def run(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
        told = {"TASKKIT_URL": stack.url, "TASKKIT_TOKEN": stack.token}
        # Of all the plugins that are here, a user has this one; loading them takes seconds.
        told |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "nbval.plugin"}
        how = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=120", *options]
        # No configuration: the project's is about its own tests, not about a notebook's cells.
        plain = ["-q", "-c", os.devnull, f"--rootdir={path.parent}", "-p", "no:cacheprovider"]
        return subprocess.run(
            [sys.executable, "-m", "pytest", *plain, *how, str(path)],
            env={**os.environ, **told},
            cwd=path.parent,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )

    return run
