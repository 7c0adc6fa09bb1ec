"""Build the documentation into build/docs, the notebooks executed on a stack of its own.

It fails on any warning, on a notebook that fails, and asks no network for anything.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import taskkit

ROOT = Path(__file__).resolve().parent.parent

KERNEL = "c = get_config()\nc.IPKernelApp.log_level = 40\n"
"""What the notebooks' kernels are told."""


def command(target: Path, *, is_executed: bool) -> list[str]:
    """Return the call of Sphinx, which reads all anew: what code has broken would not show else."""
    how = ["--fail-on-warning", "--keep-going", "--nitpicky", "--quiet"]
    how += ["--fresh-env", "--write-all"]
    told = [] if is_executed else ["--define", "nb_execution_mode=off"]
    places = ["--conf-dir", "docs", "--doctree-dir", f"{target}.doctrees", ".", str(target)]
    return [sys.executable, "-m", "sphinx", "--builder", "html", *how, *told, *places]


def build(target: Path, *, is_executed: bool) -> int:
    """Run Sphinx, if notebooks are executed on a stack that lives as long; return its status."""
    # Of whoever builds, kernels know nothing; and they do not warn of their loopback TCP.
    ipython = Path(f"{target}.ipython")
    (ipython / "profile_default").mkdir(parents=True, exist_ok=True)
    (ipython / "profile_default" / "ipython_kernel_config.py").write_text(KERNEL)
    environment = {**os.environ, "TASKKIT_SESSION": "docs", "IPYTHONDIR": str(ipython)}
    with _stack() if is_executed else nullcontext() as stack:
        if stack is not None:
            environment |= {"TASKKIT_URL": stack.url, "TASKKIT_TOKEN": stack.token}
        called = command(target, is_executed=is_executed)
        return subprocess.run(called, cwd=ROOT, env=environment, check=False).returncode


def _stack() -> taskkit.LocalStack:
    return taskkit.LocalStack(workers=2)


def main() -> int:
    """Read what is asked for, and build."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--stored", action="store_true", help="show the notebooks' stored outputs; run none"
    )
    parser.add_argument("--target", type=Path, default=ROOT / "build" / "docs", help="a folder")
    asked = parser.parse_args()
    began = time.monotonic()
    status = build(asked.target.resolve(), is_executed=not asked.stored)
    said = f"failed ({status})" if status else str(asked.target / "index.html")
    print(f"docs: {said}, after {time.monotonic() - began:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
