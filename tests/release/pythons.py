"""The Pythons that a release is for, and where this machine has them."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

from installing import ROOT, UV


def wanted() -> list[str]:
    """Return those of pyproject.toml, the oldest first: ``3.11`` and so on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    bounds = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", project["requires-python"])
    assert bounds
    return [f"3.{minor}" for minor in range(int(bounds[1]), int(bounds[2]))]


def find(version: str) -> str | None:
    """Return an interpreter of this version: one on PATH, of pyenv or of uv; None without one."""
    of_pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    uv = [str(UV), "python", "find", "--no-python-downloads", "--no-project", version]
    by_uv = subprocess.run(uv, capture_output=True, text=True, check=False).stdout.strip()
    for python in (shutil.which(f"python{version}"), *map(str, of_pyenv), by_uv):
        if python and _is(python, version):
            return python
    return None


def _is(python: str, version: str) -> bool:
    # pyenv's own commands on PATH do nothing where another version is chosen.
    told = "import sys; print('%d.%d' % sys.version_info[:2])"
    done = subprocess.run([python, "-c", told], capture_output=True, text=True, check=False)
    return done.stdout.strip() == version
