"""Keep the code of a release for the tests of what came before: ``tools/keep_release.py COMMIT``.

Not a reference to the commit, for CI's clone may be shallow; not a wheel, for no index has one.
"""

from __future__ import annotations

import lzma
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "tests" / "compatibility" / "release_before.tar.xz"
PARTS = ("taskkit", "server", "worker", ":!server/taskkit_server/static")


def main(commit: str) -> None:
    """Write the archive; git puts the commit's own id into it."""
    command = ["git", "archive", "--format=tar", commit, *PARTS]
    tar = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    KEPT.write_bytes(lzma.compress(tar, preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    main(*sys.argv[1:])
