"""`make scale` in small: fifty notebooks by the whole way, with all that must hold but times."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .environment import environment

pytestmark = [pytest.mark.stack, pytest.mark.alone, pytest.mark.timeout(400)]

ROOT = Path(__file__).parents[2]


def missing() -> bool:
    """Return whether nginx is not here; where CI is, it must be."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
    return os.environ.get("CI") != "true" and not shutil.which("nginx", path=path)


@pytest.mark.skipif(missing(), reason="nginx is not on PATH (Debian: apt-get install nginx)")
def test_fifty_notebooks_miss_nothing_and_cost_what_was_foretold(tmp_path: Path) -> None:
    """Two servers behind nginx, one killed, readers that read nothing: counts, bytes and memory."""
    command = [sys.executable, "-m", "scale", "--short", "--build", str(tmp_path)]
    done = subprocess.run(
        command, env=environment(), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-4000:]
    told = json.loads((tmp_path / "scale.json").read_text())
    assert len(told["bounds"]) > 15
    assert sum(error["is_judged"] for error in told["errors"]) > 4
