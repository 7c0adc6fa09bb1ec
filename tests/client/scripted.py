"""A real HTTP server that answers as a test tells it, and what jobs and submissions need beside."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from taskkit.client.job import Job
from taskkit.protocol import wire
from taskkit.protocol.jobs import JobRecord, JobState

LIMIT_S = 5.0

Answer = tuple[int, Any]
Script = Callable[[str, str, Any], Answer]


class Server:
    """Answers by `script(method, path, body)`; keeps what it was asked."""

    def __init__(self, script: Script, port: int = 0) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.script = script
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.loads(raw) if raw else None
                server.headers.append(dict(self.headers))
                server.asked.append((self.command, self.path, body))
                status, answer = server.script(self.command, self.path, body)
                is_raw = isinstance(answer, tuple)
                kind, data = answer if is_raw else (wire.JSON, json.dumps(answer).encode())
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = _answer  # noqa: N815  # the standard library's names

            def log_message(self, *_: object) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._http.serve_forever, args=(0.01,), name="scripted", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(LIMIT_S)


class Submission:
    """Who is told what became of one request."""

    def __init__(self) -> None:
        self.record: JobRecord | None = None
        self.error: BaseException | None = None
        self.is_told = threading.Event()

    def accept(self, record: JobRecord) -> None:
        self.record = record
        self.is_told.set()

    def refuse(self, error: BaseException) -> None:
        self.error = error
        self.is_told.set()

    def wait(self) -> Submission:
        """Return when it was told."""
        assert self.is_told.wait(LIMIT_S)
        return self


class NoCards:
    """Tells of no job how it came about."""

    def html(self, _job: object, _changed: Callable[[], None], *, wait_s: float) -> str:
        return ""


class Service:
    """What jobs ask of their client; a test settles them itself."""

    def __init__(self) -> None:
        self.settled: list[JobRecord] = []
        self.refreshed: list[str] = []
        self.cancel_answer = JobState.CANCELLED
        self.state_of_connection = ""
        self.cards = NoCards()
        self.on_refresh: Callable[[str], object] = lambda _id: None

    def settle(self, job: Job[Any], record: JobRecord) -> None:
        self.settled.append(record)
        self.last = job

    def refresh(self, job_id: str) -> None:
        self.refreshed.append(job_id)
        self.on_refresh(job_id)

    def cancel_job(self, job_id: str, *, dependents: bool) -> JobRecord:
        return JobRecord(id=job_id, task="fit", state=self.cancel_answer, seq=99)

    def call_back(self, call: Callable[[], object]) -> None:
        call()

    def connection(self) -> str:
        return self.state_of_connection
