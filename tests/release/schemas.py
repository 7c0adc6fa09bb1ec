"""Files judged by the schemas of those who read them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOOL = Path(sys.executable).parent / "check-jsonschema"


def faults(schema: str, *files: Path) -> str:
    """Return what a schema that check-jsonschema carries has against files; empty if nothing."""
    done = subprocess.run(
        [str(TOOL), "--builtin-schema", f"vendor.{schema}", *map(str, files)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr
