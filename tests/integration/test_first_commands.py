"""The two commands that the project grew from, as their users type them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import taskkit

pytestmark = pytest.mark.stack


def test_curl_creates_a_task(stack: taskkit.LocalStack) -> None:
    """`curl -X POST -H … -d '{"name": "Hello"}' http://localhost:PORT/tasks` answers with an id."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not on PATH")
    port = stack.url.rsplit(":", 1)[1]
    answer = _run(
        [curl, "-s", "-i", "-X", "POST", "-H", "Content-Type: application/json"],
        ["-d", '{"name": "Hello"}', f"http://localhost:{port}/tasks"],
    )
    head, _, body = answer.replace("\r\n", "\n").partition("\n\n")
    job_id = json.loads(body)["data"]["task"]["id"]
    assert "201" in head.splitlines()[0]
    assert f"Location: /jobs/{job_id}" in head
    check_demo_ran(stack, job_id, "Hello")


def test_httpie_creates_a_task(stack: taskkit.LocalStack) -> None:
    """`http :PORT/tasks name=Hello` does the same."""
    http = Path(sys.executable).with_name("http")
    if not http.exists():
        pytest.fail("httpie is not installed; it is in the test group")
    port = stack.url.rsplit(":", 1)[1]
    answer = _run([str(http), "--ignore-stdin", f":{port}/tasks", "name=Hello"], [])
    check_demo_ran(stack, json.loads(answer)["data"]["task"]["id"], "Hello")


def check_demo_ran(stack: taskkit.LocalStack, job_id: str, name: str) -> None:
    """Fail unless the demo task said what it does, with the worker's host."""
    client = stack.client()
    job = client.job(job_id)
    job.result(30)
    started, finished = job.output.splitlines()
    host = os.uname().nodename
    assert f"Worker {host} started" in started
    assert f"Worker {host} finished" in finished
    assert name in started
    assert name in finished
    client.close()


def _run(command: list[str], more: list[str]) -> str:
    done = subprocess.run([*command, *more], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout
