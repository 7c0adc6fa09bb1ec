"""Redis, two servers of several processes, the real nginx before them, and workers: real parts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import redis
import urllib3
from fronted import NAME, configured, make_certificate, nginx, nginx_binary
from redis_process import running_redis
from running import TOKEN, Running, running, running_worker
from waiting import wait_until

from taskkit.ledger import Ledger, open_ledger
from taskkit.stack.identity import free_port

from .environment import TESTS
from .pace import Pace, paced
from .profiles import Profile

MAIN = """\
daemon off;
worker_processes 2;
worker_rlimit_nofile 16384;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/taskkit.conf;
}}
"""
"""As docs/deploy/nginx.md says for many notebooks: each socket takes two connections."""

THREADS_LEFT = 32
"""For requests, beside those that sockets hold."""


@dataclass
class Plant:
    """What runs."""

    folder: Path
    redis_url: str
    profile: Profile
    ports: tuple[int, int]
    port: int
    certificate: Path
    redis: Any
    ledger: Ledger
    pace: Pace
    servers: dict[int, tuple[Running, ExitStack]] = field(default_factory=dict)
    #: By their ports; those that run.
    proxy_pid: int = 0
    worker: Running | None = None
    _started: int = 0

    @property
    def url(self) -> str:
        """nginx's address."""
        return f"https://{NAME}:{self.port}"

    def start(self, port: int) -> None:
        """Start one of the servers; return when it answers."""
        self._started += 1
        end = ExitStack()
        words = ("--port", str(port), "--trust-redis", "--allow-host", NAME)
        sockets = self.profile.sockets
        server = end.enter_context(
            running(
                "taskkit_server",
                self.folder / f"server-{self._started}.log",
                *(*words, "--processes", str(self.profile.processes)),
                TASKKIT_REDIS_URL=self.redis_url,
                TASKKIT_TOKEN=TOKEN,
                TASKKIT_BLOBS=str(self.folder / "blobs"),
                TASKKIT_SERVER_MAX_SOCKETS=str(sockets),
                TASKKIT_SERVER_THREADS=str(sockets + THREADS_LEFT),
            )
        )
        server.url = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            assert server.process.poll() is None, server.text()
            try:
                return server.get("/health/live").status == 200
            except urllib3.exceptions.HTTPError:
                return False

        wait_until(answers)
        self.servers[port] = (server, end)

    def kill(self, port: int) -> None:
        """End a server with all its processes, as a lack of memory would."""
        server, end = self.servers.pop(port)
        for process in (psutil.Process(server.process.pid), *_below(server.process.pid)):
            process.kill()
        end.close()

    def roles(self) -> dict[str, list[psutil.Process]]:
        """Return the processes by what they are for."""
        servers = [server.process.pid for server, _ in self.servers.values()]
        of_redis = int(self.redis.info("server")["process_id"])
        roots = {"redis": [of_redis], "server": servers, "proxy": [self.proxy_pid]}
        roots["worker"] = [self.worker.process.pid] if self.worker else []
        return {
            role: [one for pid in pids for one in (psutil.Process(pid), *_below(pid))]
            for role, pids in roots.items()
        }

    def tokens(self, users: Sequence[str]) -> dict[str, str]:
        """Make a token for each user, by the API."""
        made = {}
        port = self.ports[0]
        for user in users:
            body = json.dumps({"user": user, "scopes": ["submit", "read", "cancel"]}).encode()
            server, _ = self.servers[port]
            answer = server.ask("POST", "/tokens", body, Content_Type="application/json")
            assert answer.status == 201, answer.data
            made[user] = json.loads(answer.data)["token"]
        return made

    @contextmanager
    def working(self, slots: int) -> Iterator[None]:
        """Run a worker of so many processes until the end of the block."""
        self._started += 1
        with running_worker(
            self.redis_url,
            self.folder / f"worker-{self._started}.log",
            f"--concurrency={slots}",
            "--tasks=scale.tasks",
            TASKKIT_BLOBS=str(self.folder / "blobs"),
            PYTHONPATH=str(TESTS),
        ) as self.worker:
            wait_until(lambda: sum(w.processes for w in self.ledger.workers("")) == slots)
            yield
        self.worker = None
        wait_until(lambda: not self.ledger.workers(""))

    def complaints(self) -> str:
        """Return the last of what servers, workers, notebooks and nginx complained of."""
        lines = [
            f"{file.name}: {line[:400]}"
            for file in sorted(self.folder.glob("*.log"))
            for line in file.read_text().splitlines()
            if " INFO " not in line
        ]
        return "\n".join(lines[-40:])


@contextmanager
def plant(folder: Path, profile: Profile) -> Iterator[Plant]:
    """Run all of it but workers."""
    nginx_binary()
    # As docs/operations.md has it; the file is not rewritten, so that what is written can be seen.
    settings = (
        *("appendonly yes", "appendfsync always", 'save ""'),
        *("hash-max-ziplist-value 256", "auto-aof-rewrite-percentage 0"),
    )
    ports, port, plain_port = (free_port(), free_port()), free_port(), free_port()
    main = configured(folder, ports, port, plain_port, MAIN)
    (folder / "blobs").mkdir()
    (folder / "redis").mkdir()
    with ExitStack() as both:
        url = both.enter_context(running_redis(folder / "redis", *settings))
        store = redis.Redis.from_url(url)
        pace = both.enter_context(paced())
        certificate = make_certificate(folder)
        made = Plant(folder, url, profile, ports, port, certificate, store, open_ledger(url), pace)
        both.callback(lambda: [end.close() for _, end in made.servers.values()])
        for one in ports:
            made.start(one)
        both.enter_context(nginx(main))
        made.proxy_pid = int((folder / "nginx.pid").read_text())
        yield made


def _below(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)
