"""`make images`: build the images, run tests/images on them, print what was measured.

Arguments are pytest's.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from podman import FOLDER, ROOT, apart, missing, prepare

FIGURES = FOLDER / "figures.txt"

WITHIN_S = 1800.0
"""What both steps may take, each; then all that they have started is killed."""

CGROUPS = Path("/sys/fs/cgroup")
NAME = "libpod_parent"
"""What podman calls the cgroups that its own are in; no namespace takes them along."""


@contextmanager
def swept() -> Iterator[None]:
    """Remove the cgroups that podman leaves, where there were none before."""
    before = {path.parent for path in CGROUPS.glob(f"**/{NAME}")}
    try:
        yield
    finally:
        for path in CGROUPS.glob(f"**/{NAME}"):
            if path.parent not in before:
                for folder in sorted(path.glob("**/"), reverse=True):
                    folder.rmdir()


def step(*command: str, network: bool) -> int:
    """Run a step in namespaces of its own; return its status."""
    environment = {**os.environ, "TASKKIT_IMAGES_FIGURES": str(FIGURES)}
    try:
        return subprocess.run(
            apart(sys.executable, *command, network=network),
            cwd=ROOT,
            env=environment,
            timeout=WITHIN_S,
        ).returncode
    except subprocess.TimeoutExpired:
        print(f"images: not done within {WITHIN_S:.0f} s", file=sys.stderr)
        return 1


def main(told: list[str]) -> int:
    """Do both steps; return the first status that is bad."""
    if why := missing():
        print(f"images: skipped, {why}")
        return os.environ.get("CI") == "true"
    prepare()
    FIGURES.write_text("")
    began = time.monotonic()
    with swept():
        status = step("tests/images/building.py", network=True)
        if status == 0:
            status = step("-m", "pytest", "tests/images", *told, network=False)
    print(f"\nimages: measured, all in {time.monotonic() - began:.0f} s\n")
    print(FIGURES.read_text())
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
