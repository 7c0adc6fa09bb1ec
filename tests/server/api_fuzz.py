"""Schemathesis against a real server.

The server is the one that users run, gunicorn and all, on a Redis of its own; a thread stands in
for the workers and ends every job, so that there are results and errors to ask for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serving import DEMO, ISING, TOKEN
from waiting import wait_until

from taskkit.ledger import JobFilter, JobRef, StoredResult, open_ledger
from taskkit.protocol import wire
from taskkit.protocol.events import JobFailed, JobSucceeded
from taskkit.protocol.jobs import ErrorInfo, JobState, ResultInfo
from taskkit.protocol.spec import LOCAL_OWNER
from taskkit.protocol.workers import WorkerInfo
from taskkit.stack.identity import free_port

WORKER = "lab-7-1f"
CONFIG = Path(__file__).with_name("schemathesis.toml")


@contextmanager
def running_server(redis_url: str, folder: Path) -> Iterator[str]:
    """Run a server with a token and blobs; give its URL."""
    port = free_port()
    environment = {
        **os.environ,
        "TASKKIT_REDIS_URL": redis_url,
        "TASKKIT_TOKEN": TOKEN,
        "TASKKIT_BLOBS": str(folder / "blobs"),
    }
    command = [sys.executable, "-m", "taskkit_server", "--port", str(port), "--trust-redis"]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _is_ready(url, server, folder / "server.log"), 30)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=20)


def _is_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> bool:
    assert server.poll() is None, log.read_text()
    try:
        with urllib.request.urlopen(f"{url}/health/ready", timeout=5):
            return True
    except OSError:
        return False


@contextmanager
def standing_in(redis_url: str) -> Iterator[None]:
    """Offer two tasks, and end each job that is submitted, now well and now badly."""
    ledger, is_over = open_ledger(redis_url), threading.Event()
    tasks = (DEMO, ISING)
    ledger.join(
        WorkerInfo(name=WORKER, host="lab", pid=7, processes=2, python="3.11.7", tasks=tasks)
    )

    def work() -> None:
        count = 0
        while not is_over.wait(0.05):
            ledger.beat(WORKER)
            queued = JobFilter(states=frozenset({JobState.QUEUED}))
            for record in ledger.jobs(LOCAL_OWNER, matching=queued, limit=50):
                claim = ledger.claim(JobRef(LOCAL_OWNER, record.id), worker=WORKER, pid=7)
                if claim is None:
                    continue
                count += 1
                if count % 3:
                    info = ResultInfo(media_type=wire.JSON, size_bytes=1)
                    stored = StoredResult(media_type=wire.JSON, body=b"1")
                    ledger.finish(claim.lease, JobSucceeded(result=info), stored)
                else:
                    error = ErrorInfo(type="ValueError", message="no")
                    stored = StoredResult(media_type=wire.PICKLE, body=b"\x80\x05N.")
                    ledger.finish(claim.lease, JobFailed(error=error), stored)

    thread = threading.Thread(target=work, name="stand-in", daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join(10)


def fuzz(redis_url: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run schemathesis, with more words of its command line; return what it said."""
    with standing_in(redis_url), running_server(redis_url, folder) as url:
        command = [
            str(Path(sys.executable).with_name("schemathesis")),
            *("--config-file", str(CONFIG), "run", f"{url}/openapi.json", "--url", f"{url}/v1"),
            *("--header", f"Authorization: Bearer {TOKEN}", "--no-color"),
            *("--request-timeout", "60", *words),
        ]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(CONFIG.parent)},
        )
