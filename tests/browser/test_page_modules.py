"""Runs the tests of the page's pure modules, which are in JavaScript."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import taskkit_server

STATIC = Path(taskkit_server.__file__).parent / "static"
TESTS = sorted(Path(__file__).parent.glob("*_test.mjs"))


@pytest.mark.parametrize("tests", TESTS, ids=lambda path: path.stem)
def test_the_pages_pure_modules_keep_their_promises(tests: Path, tmp_path: Path) -> None:
    """Rows, lines, journal and the rest pass their tests under Node's own runner."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not on PATH: the page's modules are tested in the browser only")
    shutil.copytree(STATIC, tmp_path, dirs_exist_ok=True)
    # Node takes a .js file as a module only where a package says so.
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    run = subprocess.run(
        [node, "--test", str(tests)],
        env={**os.environ, "PAGE_MODULES": tmp_path.as_uri()},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert re.search(r"\bpass [1-9]", run.stdout), run.stdout
