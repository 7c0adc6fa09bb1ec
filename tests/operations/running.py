"""Servers and workers as real processes, with what they log."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import urllib3
from waiting import wait_until

from taskkit.stack.identity import free_port

TOKEN = "correct-horse"


@dataclass
class Running:
    """A server, or a worker."""

    process: subprocess.Popen[bytes]
    log: Path
    url: str = ""

    def text(self) -> str:
        """Return what it has logged."""
        return self.log.read_text()

    def children(self) -> list[int]:
        """Return the processes that it has forked."""
        return [child.pid for child in psutil.Process(self.process.pid).children()]

    def get(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        """Ask, over a connection of its own, so that any of the processes answers."""
        return self.ask("GET", path, **headers)

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> urllib3.BaseHTTPResponse:
        """Ask, as whoever runs the server unless another `Authorization` is given."""
        given = {"Authorization": f"Bearer {TOKEN}", "Connection": "close"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return urllib3.request(
            method, self.url + path, headers=given, body=body, retries=False, timeout=20
        )


@contextmanager
def running(module: str, log: Path, *words: str, **environment: str) -> Iterator[Running]:
    """Run ``python -m module`` until the end of the block."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *words],
            env={**_inherited(), "PYTHONUNBUFFERED": "1", **environment},
            stdout=file,
            stderr=file,
        )
    try:
        yield Running(process, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def running_server(
    redis_url: str, log: Path, *words: str, token: str = TOKEN, **environment: str
) -> Iterator[Running]:
    """Run a server; give it when it answers."""
    port = free_port()
    environment = {"TASKKIT_REDIS_URL": redis_url, "TASKKIT_TOKEN": token, **environment}
    with running("taskkit_server", log, "--port", str(port), *words, **environment) as server:
        server.url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            assert server.process.poll() is None, server.text()
            try:
                return server.get("/health/live").status == 200
            except urllib3.exceptions.HTTPError:
                return False

        wait_until(answers)
        yield server


@contextmanager
def running_worker(redis_url: str, log: Path, *words: str, **environment: str) -> Iterator[Running]:
    """Run a worker; give it when it is up."""
    environment = {"TASKKIT_REDIS_URL": redis_url, **environment}
    with running("taskkit_worker", log, *words, **environment) as worker:

        def is_up() -> bool:
            assert worker.process.poll() is None, worker.text()
            return "is up, " in worker.text()

        wait_until(is_up)
        yield worker


def _inherited() -> Mapping[str, str]:
    names = ("TASKKIT_", "OTEL_", "PROMETHEUS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(names)}
