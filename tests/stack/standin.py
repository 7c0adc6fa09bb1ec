"""A server and a worker that do nothing but live, answer and die as the real ones do."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from taskkit.protocol.wire import worker_to_wire
from taskkit.protocol.workers import WorkerInfo


def note(journal: Path, text: str) -> None:
    """Append one line, in one write."""
    with journal.open("a") as file:
        file.write(text + "\n")


def is_redis_up() -> bool:
    """Return whether anything listens at the stack's Redis."""
    url = urlsplit(os.environ["TASKKIT_REDIS_URL"])
    try:
        socket.create_connection((url.hostname, url.port), timeout=1).close()
    except OSError:
        return False
    return True


def on_sigterm(journal: Path, name: str) -> None:
    """Note the end in the journal, and end."""

    def end(*_: object) -> None:
        note(journal, f"{name} stops, Redis {'up' if is_redis_up() else 'down'}")
        sys.exit(0)

    signal.signal(signal.SIGTERM, end)


def serve(journal: Path, port: int) -> None:
    """Answer as ready, and list the worker that is there."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_known = self.headers["Authorization"] == f"Bearer {os.environ['TASKKIT_TOKEN']}"
            pid_file = journal.with_name("worker.pid")
            pid = int(pid_file.read_text()) if pid_file.exists() else 0
            worker = WorkerInfo(name="w", host="here", pid=pid, processes=1, python="3.11.7")
            body = json.dumps({"workers": [worker_to_wire(worker)]}).encode()
            self.send_response(200 if is_known else 401)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    HTTPServer(("127.0.0.1", port), Handler).serve_forever()


def main() -> None:
    """Run as the part that the arguments name."""
    name, journal = sys.argv[1], Path(sys.argv[2])
    on_sigterm(journal, name)
    note(journal, f"{name} starts, Redis {'up' if is_redis_up() else 'down'}")
    print(f"{name} was here", flush=True)
    if name == "server":
        serve(journal, int(sys.argv[3]))
    journal.with_name("worker.pid").write_text(str(os.getpid()))
    if os.fork() == 0:  # a pool process: in the worker's group, and deaf to SIGTERM
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        parent = os.getppid()
        while os.getppid() == parent:
            signal.sigtimedwait([], 0.05)
        os._exit(0)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
