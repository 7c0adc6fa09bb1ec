"""docs/rest.md, line by line, against a real stack: what a notebook can do, curl can."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import taskkit

DOCUMENT = Path(__file__).parents[2] / "docs" / "rest.md"

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the lines of the document say when they are run as one script."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not on PATH (Debian: apt-get install curl)")
    blocks = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT.read_text(), re.M | re.S)
    script = "set -euo pipefail\n" + "\n".join(blocks)
    with taskkit.LocalStack(workers=2) as stack:
        environment = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "TASKKIT_URL": stack.url,
            "TASKKIT_TOKEN": stack.token,
        }
        ran = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path_factory.mktemp("curl"),
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert environment["TASKKIT_TOKEN"] not in ran.stdout + ran.stderr
    return ran.stdout


def test_every_line_does_what_it_says(said: str) -> None:
    """In the order of the document; each answers what is written beside it."""
    lines = said.splitlines()
    assert lines[0] == '{"status":"live"}'
    assert "Task Hello" in said
    assert "304" in lines
    assert "(3+4j)\n" in said
    assert [line for line in lines if re.fullmatch("[a-z_]+", line)] == [
        "job_not_finished",
        "cancelled",
        "cancelled",
        "forbidden",
        "job_not_found",
        "job_not_found",
    ]
    assert re.search(r"(?i)upload-offset: 1000000\b", said)
    assert re.search(r"(?i)^allow: GET, HEAD, OPTIONS, POST$", said, re.M)
    found = next(json.loads(line) for line in lines if '"a fit"' in line and '"next"' in line)
    assert [job["options"]["name"] for job in found["jobs"]] == ["a fit"]
