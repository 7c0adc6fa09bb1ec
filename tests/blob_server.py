"""A real server process that keeps blobs, and what asks it as a client does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import urllib3
from flask import Flask
from urllib3.exceptions import HTTPError
from waiting import wait_until

from taskkit.ledger.memory import MemoryLedger
from taskkit.protocol.errors import NotReachable
from taskkit.stack.identity import free_port
from taskkit_server.app import create_app
from taskkit_server.settings import Settings

TOKEN = "correct-horse"

OWNER = "local"


def make_app(place: str, cache: str, max_blob_bytes: int) -> Flask:
    """Return the application, with no workers and no broker."""
    settings = Settings(
        redis_url="redis://nowhere",
        token=TOKEN,
        blobs=place,
        blobs_cache=Path(cache),
        max_blob_bytes=max_blob_bytes,
    )
    return create_app(settings, MemoryLedger(), NoDispatch())  # type: ignore[arg-type]


class NoDispatch:
    """There is nobody to wake."""

    def message(self, ref: object) -> str:
        return ""

    def ring(self) -> None: ...

    def trouble(self) -> str:
        return ""


class BlobServer:
    """gunicorn with threads, as `taskkit server` runs it; can be killed and started again."""

    def __init__(
        self, folder: Path, *, place: str | None = None, max_blob_bytes: int = 2**30
    ) -> None:
        self.folder = folder / "blobs"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        args = (place or str(self.folder), str(folder / "cache"), max_blob_bytes)
        self._log = folder / "server.log"
        self._command = [
            *(sys.executable, "-m", "gunicorn", f"blob_server:make_app{args}"),
            *("--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread", "--threads", "16"),
            *(
                "--keep-alive",
                "75",
                "--chdir",
                str(Path(__file__).parent),
                "--log-level",
                "warning",
            ),
        ]

    def start(self) -> None:
        """Start it, and return when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, start_new_session=True
            )
        http = Wire(self.url)
        wait_until(lambda: self._is_up(http))

    def kill(self) -> None:
        """End it at once, with its worker."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _is_up(self, http: Wire) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        try:
            return http.send("GET", "/health/live", {}).status == 200
        except NotReachable:
            return False


class Wire:
    """A `Sender` on urllib3."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(retries=False, maxsize=8)
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: Any = None
    ) -> urllib3.BaseHTTPResponse:
        self.asked.append((method, path, headers))
        given = {"Authorization": f"Bearer {TOKEN}", **headers}
        try:
            return self._pool.urlopen(
                method,
                self._url + path,
                headers=given,
                body=body,
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=5, read=30),
            )
        except (HTTPError, OSError) as error:
            raise NotReachable(str(error)) from None
