"""`Site`: Redis with TLS and accounts, a server, and workers on hosts of their own."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import urllib3
from chaos.recorder import Recorder
from chaos.until import until
from chaos.witness import Witness
from tls import Certificates, tls_redis

from taskkit.accounts.folder import Folder
from taskkit.client.http import Http
from taskkit.config.redis_address import redis_address
from taskkit.connection import Connection
from taskkit.ledger.redis import RedisLedger
from taskkit.protocol.cursor import Cursor
from taskkit.protocol.events import AttemptStarted
from taskkit.protocol.spec import LOCAL_OWNER

from .network import Network, Place

REDIS_PORT, SERVER_PORT = 6380, 5000
START_S = 60.0
QUEUES = "cpu,default"


class Site:
    """All of it on one network; a context manager. It is a world to `chaos.storm`, too."""

    def __init__(self, folder: Path, network: Network, processes: int = 2) -> None:
        self.folder = folder
        self.network = network
        self.processes = processes
        self.facts = folder / "facts.jsonl"
        self.witnesses: list[Witness] = []
        self.url = f"http://{network.server.address}:{SERVER_PORT}"
        self.token = secrets.token_urlsafe(32)
        self.accounts = Folder(folder / "accounts")
        self.certificates = Certificates(folder / "tls")
        self._workers: dict[str, subprocess.Popen[bytes]] = {}
        self._pids: dict[int, str] = {}
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._exits as exits:
            self.recorder = exits.enter_context(Recorder(self.facts))
            self._start_redis(exits)
            self._start_server(exits)
            for place in self.network.workers:
                self.start_worker(place)
            exits.callback(self._end_workers)
            exits.callback(self.dismiss)
            until(lambda: len(self._joined()) == len(self.network.workers), START_S, what="workers")
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.close()

    # Clients

    @property
    def redis_url(self) -> str:
        """Redis, for who looks on."""
        return redis_address(self.accounts.address("admin"), ca_file=self.certificates.ca)

    def witness(self) -> Witness:
        """Return one more client that notes what it sees."""
        name = f"client-{len(self.witnesses) + 1}"
        made = Witness(name, self.url, self.token, self.recorder)
        self.witnesses.append(made)
        return made

    def dismiss(self) -> None:
        """Close the clients that are there."""
        while self.witnesses:
            self.witnesses.pop().close()

    # Processes

    def start_worker(self, place: Place) -> None:
        """Start the worker of a host, with an account and a token of its own."""
        name = place.name
        if name not in self.accounts.accounts():
            raise LookupError(f"{name} has no account")
        environment = {
            **self._shared(name),
            "TASKKIT_BLOBS": self.url,
            "TASKKIT_TOKEN_FILE": str(self.folder / "worker.token"),
            "TASKKIT_WORKER_BLOBS_CACHE": str(self.folder / f"cache-{name}"),
        }
        words = ["worker", "--queues", QUEUES, "--concurrency", str(self.processes)]
        words += ["--log-format", "json"]
        self._workers[name] = self._spawn(place, name, words, environment)
        self._pids[self._workers[name].pid] = name

    def stop_worker(self, place: Place, within_s: float = 30.0) -> float:
        """Send SIGTERM, as an upgrade does; return how long it took to hand its jobs back."""
        process = self._workers.pop(place.name)
        began = time.monotonic()
        process.terminate()
        process.wait(within_s)
        return time.monotonic() - began

    def begun_by_host(self) -> Counter[str]:
        """Return how many attempts each host has begun."""
        ledger, cursor = RedisLedger(self.redis_url), Cursor()
        found: Counter[str] = Counter()
        while (page := ledger.read(LOCAL_OWNER, cursor, limit=1000)).events:
            for event in page.events:
                if isinstance(event, AttemptStarted):
                    found[self._pids[int(event.worker.split("-")[-2])]] += 1
            cursor = Cursor(page.epoch, page.events[-1].seq)
        return found

    def refusals(self) -> list[str]:
        """Return what Redis refused to whom."""
        client = RedisLedger(self.redis_url)._redis
        log = client.acl_log(1000)
        return [f"{one['username']}: {one['reason']} {one['object']}" for one in log]

    # Starting

    def _shared(self, account: str) -> dict[str, str]:
        given = {
            "TASKKIT_REDIS_URL_FILE": str(self.accounts.address_file(account)),
            "TASKKIT_REDIS_CA_FILE": str(self.certificates.ca),
            "TASKKIT_SIGNING_KEYS_FILE": str(self.folder / "signing.keys"),
        }
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("TASKKIT_")
        }
        return {**inherited, **given, "PYTHONUNBUFFERED": "1"}

    def _start_redis(self, exits: ExitStack) -> None:
        address = self.network.server.address
        self.certificates.make_authority()
        self.certificates.make("redis", f"IP:{address}")
        self.accounts.begin(f"rediss://{address}:{REDIS_PORT}/0", (7, 0))
        for place in self.network.workers:
            self.accounts.create(place.name)
        _private(self.folder / "signing.keys", secrets.token_hex(32))
        _private(self.folder / "server.token", self.token)
        exits.enter_context(
            tls_redis(
                self.folder / "redis",
                self.certificates,
                f"aclfile {self.accounts.users}",
                bind=address,
                port=REDIS_PORT,
                prefix=self.network.server.prefix,
            )
        )

    def _start_server(self, exits: ExitStack) -> None:
        blobs = self.folder / "blobs"
        blobs.mkdir()
        environment = {
            **self._shared("server"),
            "TASKKIT_BLOBS": str(blobs),
            "TASKKIT_TOKEN_FILE": str(self.folder / "server.token"),
        }
        words = ["server", "--host", self.network.server.address, "--port", str(SERVER_PORT)]
        words += ["--plain-http", "--log-format", "json"]
        process = self._spawn(self.network.server, "server", words, environment)
        exits.callback(_end, process)
        until(self._is_ready, START_S, what="the server")
        body = {"user": "workers", "scopes": ["blobs"]}
        made = self._http().post("/tokens", body)
        _private(self.folder / "worker.token", made["token"])

    def _is_ready(self) -> bool:
        try:
            answer = urllib3.request("GET", f"{self.url}/health/ready", timeout=2.0, retries=False)
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == 200

    def _http(self) -> Http:
        return Http(Connection(self.url, self.token))

    def _joined(self) -> list[object]:
        found: list[object] = self._http().get("/workers")["workers"]
        return found

    def _spawn(
        self, place: Place, name: str, words: list[str], environment: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*place.prefix, sys.executable, "-m", "taskkit", *words],
                env=environment,
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )

    def _end_workers(self) -> None:
        for process in self._workers.values():
            process.terminate()
        for process in self._workers.values():
            _end(process)


def _end(process: subprocess.Popen[bytes], within_s: float = 20.0) -> None:
    process.terminate()
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def _private(path: Path, secret: str) -> None:
    path.touch(mode=0o600)
    path.write_text(f"{secret}\n")
