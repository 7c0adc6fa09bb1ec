"""Write the locks from pyproject.toml: every version and hash that an environment is made of.

requirements.lock is for ./.env, requirements-release.lock for what looks at a release. Versions
that are locked stay, unless pyproject.toml rules them out; `--upgrade` takes the newest.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


APART = ("bench", "release")
"""Groups that are not in ./.env: the benchmark's neighbours, the newest there are, and this one."""


def command(project: dict[str, Any], uv: str) -> list[str]:
    """Return the call of uv that locks all extras and groups for all Pythons of `project`."""
    names = [name for name in project["dependency-groups"] if name not in APART]
    groups = [part for name in names for part in ("--group", name)]
    sources = ["pyproject.toml", "-", "--all-extras", *groups]
    return [*_locking(project, uv), *sources, "--output-file", "requirements.lock"]


def release_command(project: dict[str, Any], uv: str) -> list[str]:
    """Return the call that locks the group `release`, and nothing of the project itself."""
    return [*_locking(project, uv), "-", "--output-file", "requirements-release.lock"]


def _locking(project: dict[str, Any], uv: str) -> list[str]:
    oldest = project["project"]["requires-python"].removeprefix(">=").split(",")[0]
    return [
        *(uv, "pip", "compile", "--universal", "--python-version", oldest, "--generate-hashes"),
        # A source archive would build at install time, with build dependencies that no hash pins.
        *("--only-binary", ":all:"),
        # Else the header repeats this call, with whatever options this machine added.
        *("--custom-compile-command", "make lock", "--no-emit-index-url", "--quiet"),
    ]


def main() -> None:
    """Run uv from beside this interpreter; what is no extra or group comes by standard input."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    uv = str(Path(sys.executable).parent / "uv")
    for call, needs in (
        (command(project, uv), project["build-system"]["requires"]),
        (release_command(project, uv), project["dependency-groups"]["release"]),
    ):
        done = subprocess.run(
            [*call, *sys.argv[1:]], cwd=ROOT, input="\n".join(needs), text=True, check=False
        )
        if done.returncode:
            sys.exit(f"lock: uv could not resolve pyproject.toml (it ended with {done.returncode})")


if __name__ == "__main__":
    main()
