"""Build wheel and source archive into dist/, the same bytes whoever builds a commit.

The time in them is that of the commit, or SOURCE_DATE_EPOCH where that is set.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"


def made_at() -> str:
    """Return the seconds since the Unix epoch that the files are to say."""
    if told := os.environ.get("SOURCE_DATE_EPOCH"):
        return told
    command = ["git", "log", "-1", "--format=%ct"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit("dist: this is no clone: set SOURCE_DATE_EPOCH to when it is to be made")
    return done.stdout.strip()


def unknown() -> list[str]:
    """Return the changed and the untracked files that would be in a release and in no commit."""
    command = ["git", "status", "--porcelain"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()


def main() -> None:
    """Empty dist/, build both, and print their hashes."""
    if changes := unknown():
        note = "dist: not what any commit has; commit, or stash"
        print(note, *changes[:10], sep="\n  ", file=sys.stderr)
        if os.environ.get("CI") == "true":
            sys.exit(1)
    if DIST.exists():
        shutil.rmtree(DIST)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(DIST)],
        cwd=ROOT,
        env={**os.environ, "SOURCE_DATE_EPOCH": made_at()},
        check=True,
        capture_output=True,
    )
    for path in sorted(DIST.iterdir()):
        print(f"{sha256(path.read_bytes()).hexdigest()}  dist/{path.name}")


if __name__ == "__main__":
    main()
