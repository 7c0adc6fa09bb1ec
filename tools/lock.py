"""Write requirements.lock from pyproject.toml: every version and hash that ./.env is made of.

Versions that are locked stay, unless pyproject.toml rules them out; `--upgrade` takes the newest.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def command(project: dict[str, Any], uv: str) -> list[str]:
    """Return the call of uv that locks all extras and groups for all Pythons of `project`."""
    # The neighbours of the benchmark are in an environment of their own, the newest there are.
    names = [name for name in project["dependency-groups"] if name != "bench"]
    groups = [part for name in names for part in ("--group", name)]
    oldest = project["project"]["requires-python"].removeprefix(">=").split(",")[0]
    return [
        *(uv, "pip", "compile", "pyproject.toml", "-", "--output-file", "requirements.lock"),
        *("--all-extras", *groups, "--universal", "--python-version", oldest, "--generate-hashes"),
        # A source archive would build at install time, with build dependencies that no hash pins.
        *("--only-binary", ":all:"),
        # Else the header repeats this call, with whatever options this machine added.
        *("--custom-compile-command", "make lock", "--no-emit-index-url", "--quiet"),
    ]


def main() -> None:
    """Run uv from beside this interpreter; what builds the project comes by standard input."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    uv = str(Path(sys.executable).parent / "uv")
    build = "\n".join(project["build-system"]["requires"])
    done = subprocess.run(
        [*command(project, uv), *sys.argv[1:]], cwd=ROOT, input=build, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"lock: uv could not resolve pyproject.toml (it ended with {done.returncode})")


if __name__ == "__main__":
    main()
