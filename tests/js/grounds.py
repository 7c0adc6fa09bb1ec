"""A stack that tests in JavaScript may break: they ask for it by HTTP."""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, cast

import psutil
import redis
from chaos.modes import CutAfter, HalfOpen, Latency, Pass, Refuse
from chaos.proxy import FaultProxy

import taskkit
from taskkit.ledger import JobRef, open_ledger
from taskkit.ledger.keys import Keys
from taskkit.protocol.events import OutputWritten
from taskkit.protocol.spec import LOCAL_OWNER
from taskkit.signing_keys import take_keys
from taskkit.stack.identity import free_port

TASKS = Path(__file__).with_name("tasks_for_js.py")
LOG = Keys("tk:").log(LOCAL_OWNER)
AT_ONCE = 500

MODES = {
    "pass": Pass(),
    "refuse": Refuse(),
    "half-open": HalfOpen(),
    "latency": Latency(0.05),
    "cut-after": CutAfter(2000),
}


class Grounds:
    """A stack behind a proxy that misbehaves, and what may be done to both."""

    def __init__(self, stack: taskkit.LocalStack, proxy: FaultProxy, folder: Path) -> None:
        self._stack = stack
        self._proxy = proxy
        self._folder = folder
        self.verbs: dict[str, Callable[..., Any]] = {
            verb.__name__: verb
            for verb in (
                self.cut,
                self.mode,
                self.kill,
                self.flood,
                self.gate,
                self.trim,
                self.renew,
            )
        }

    def cut(self) -> None:
        """Reset all connections."""
        self._proxy.cut()

    def mode(self, name: str) -> None:
        """Have the proxy misbehave, or behave again."""
        self._proxy.switch(MODES[name])

    def kill(self, part: str) -> None:
        """Kill a part of the stack, which its supervisor starts again; or a process of the pool."""
        pids = self._stack.pids()
        if part == "pool":
            family = psutil.Process(pids["worker"]).children(recursive=True)
            for process in family:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        else:
            os.killpg(pids[part], signal.SIGKILL)

    def flood(self, job: str, events: int) -> None:
        """Write so many events of a queued job, and cancel it."""
        environment = {"TASKKIT_SIGNING_KEYS_FILE": str(self._stack.signing_keys_file)}
        ledger = open_ledger(self._stack.redis_url, take_keys(environment))
        ref = JobRef(LOCAL_OWNER, job)
        claim = ledger.claim(ref, worker="flood-1-ab", pid=os.getpid())
        assert claim is not None
        for number in range(1, events // AT_ONCE + 1):
            said = [OutputWritten(text=f"packet {number}, event {n}\n") for n in range(AT_ONCE)]
            ledger.append(claim.lease, number, said)
        ledger.cancel(ref)

    def trim(self, kept: int) -> None:
        """Keep the last events of the log alone."""
        with redis.Redis.from_url(self._stack.redis_url) as store:
            store.xtrim(LOG, maxlen=kept, approximate=False)

    def renew(self) -> None:
        """Give the log another epoch, as one that was restored from an older copy gets."""
        with redis.Redis.from_url(self._stack.redis_url) as store:
            store.hset(f"{LOG}:meta", "epoch", secrets.token_hex(8))

    def gate(self, name: str, is_open: bool = False) -> str:
        """Return a file's path that a job waits for; make it if asked."""
        path = self._folder / name
        if is_open:
            path.touch()
        return str(path)


@contextmanager
def grounds(folder: Path) -> Iterator[dict[str, str]]:
    """Run all that; give what the tests find it by, as variables of their environment."""
    with ExitStack() as running:
        stack = running.enter_context(taskkit.LocalStack(workers=2, tasks=[str(TASKS)]))
        port = int(stack.url.rsplit(":", 1)[1])
        proxy = running.enter_context(FaultProxy("127.0.0.1", port))
        control = running.enter_context(controlled(Grounds(stack, proxy, folder).verbs))
        host, outer = proxy.address
        yield {
            "TASKKIT_URL": f"http://{host}:{outer}",
            "GROUNDS_STRAIGHT": stack.url,
            "TASKKIT_TOKEN": stack.token,
            "GROUNDS_CONTROL": control,
            "TASKKIT_REDIS_URL": stack.redis_url,
            "GROUNDS_PYTHON": sys.executable,
            "TASKKIT_SIGNING_KEYS_FILE": str(stack.signing_keys_file),
        }


@contextmanager
def controlled(verbs: dict[str, Callable[..., Any]]) -> Iterator[str]:
    """Serve verbs by HTTP: ``POST /verb`` with what it takes; give the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            given = json.loads(self.rfile.read(size))
            try:
                said, status = verbs[self.path.removeprefix("/")](**given), 200
            except Exception as error:  # noqa: BLE001  # the edge of a request: the test is told
                said, status = repr(error), 500
            body = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
    thread = threading.Thread(target=server.serve_forever, name="grounds", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{cast('tuple[str, int]', server.server_address)[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
