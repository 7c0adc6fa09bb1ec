"""`World`: a real stack with a fault proxy in each hop, and clients that note what they see."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
import redis

import taskkit
from taskkit.ledger.redis import RedisLedger
from taskkit.protocol.spec import LOCAL_OWNER
from taskkit.stack.folders import Folders
from taskkit.stack.identity import Identity
from taskkit.stack.part import Part
from taskkit.stack.parts import HOST, Settings, plan_parts

from .facts import Abandoned, FaultBegan, FaultEnded
from .proxy import FaultProxy
from .recorder import Recorder
from .until import until
from .witness import Witness

RESTART_S = 30.0
"""How long taskkit's own supervisor may take to have a part running again."""

Environment = Mapping[str, str]


class World:
    """One stack for one fault, with a place to note facts; a context manager.

    Server and worker reach Redis, and clients the server, each through a proxy of its own. Parts
    are kept running by taskkit's own supervisor, as a user's are.
    """

    def __init__(
        self,
        folder: Path,
        *,
        workers: int = 2,
        data_dir: Path | None = None,
        environment: Mapping[str, Environment] | None = None,
    ) -> None:
        """Describe it; `environment` has further variables for parts, by the parts' names."""
        self.folder = folder
        self.facts = folder / "facts.jsonl"
        self.proxies: dict[str, FaultProxy] = {}
        #: By who connects: ``server`` and ``worker`` (to Redis), ``client`` (to the server).
        self.witnesses: list[Witness] = []
        self._met = 0
        self._environment = environment or {}
        self._parts: dict[str, Part] = {}
        self._exits = ExitStack()
        self._extras: list[subprocess.Popen[bytes]] = []
        self.stack = taskkit.LocalStack(
            workers=workers, data_dir=data_dir or folder / "data", plan=self._plan
        )

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._exits as exits:
            self.recorder = exits.enter_context(Recorder(self.facts))
            exits.callback(
                lambda: [proxy.__exit__(None, None, None) for proxy in self.proxies.values()]
            )
            exits.enter_context(self.stack)
            exits.callback(self.dismiss)
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._exits.close()

    def _plan(self, settings: Settings, folders: Folders, identity: Identity) -> Sequence[Part]:
        """Return the parts of any stack, but with proxies between them."""
        self.redis_folder, self._identity = folders.redis, identity
        self._server_port = settings.port
        self._put("client", FaultProxy(HOST, settings.port))
        for part in plan_parts(settings, folders, identity):
            env = {**part.env, **self._environment.get(part.name, {})}
            if part.name != "redis":
                self._put(part.name, FaultProxy(HOST, identity.redis_port))
                env["TASKKIT_REDIS_URL"] = self.redis_url_by(part.name)
            self._parts[part.name] = replace(part, env=env)
        return list(self._parts.values())

    def _put(self, name: str, proxy: FaultProxy) -> None:
        self.proxies[name] = proxy.__enter__()

    # Ways to Redis

    @property
    def redis_url(self) -> str:
        """Redis itself, past all proxies: for who looks on."""
        return self._identity.redis_url

    def redis_url_by(self, name: str) -> str:
        """Redis as a part reaches it."""
        return self.redis_url_at(self.proxies[name])

    def redis_url_at(self, proxy: FaultProxy) -> str:
        """Redis behind a proxy."""
        host, port = proxy.address
        return f"redis://:{self._identity.redis_password}@{host}:{port}/0"

    def redis(self) -> redis.Redis:
        """Return a connection of the onlooker's."""
        return redis.Redis.from_url(self.redis_url)

    def proxy_of_its_own(self, to: str = "server", listen_on: str = HOST) -> FaultProxy:
        """Return one more proxy, to the server or to Redis, for a client or a worker alone."""
        port = self._identity.redis_port if to == "redis" else self._server_port
        name = f"extra-{len(self.proxies)}"
        self._put(name, FaultProxy(HOST, port, listen_on=listen_on))
        return self.proxies[name]

    # Clients

    def witness(self, proxy: FaultProxy | None = None) -> Witness:
        """Return one more client that notes what it sees; by its own proxy where one is given."""
        host, port = (proxy or self.proxies["client"]).address
        self._met += 1
        name = f"client-{self._met}"
        made = Witness(name, f"http://{host}:{port}", self.stack.token, self.recorder)
        self.witnesses.append(made)
        return made

    def dismiss(self) -> None:
        """Close the clients that are there, and end the workers that came in addition."""
        while self.witnesses:
            self.witnesses.pop().close()
        self._end_extras()

    # Processes

    def pid(self, part: str) -> int:
        """Return the process of a part that runs now; wait for it where it is being replaced."""
        until(lambda: self.stack.pids().get(part), RESTART_S, what=f"the {part}")
        return self.stack.pids()[part]

    def kill(self, part: str, signal: int = 9) -> int:
        """Send a part's main process a signal; return its pid."""
        pid = self.pid(part)
        os.kill(pid, signal)
        return pid

    def await_successor(self, part: str, pid: int) -> None:
        """Return when another process has taken the place of `pid`, and is ready."""

        def is_there() -> bool:
            now = self.stack.pids().get(part, pid)
            return now != pid and self._parts[part].is_ready(now)

        until(is_there, RESTART_S, what=f"another {part}")

    def pool(self) -> list[psutil.Process]:
        """Return the processes that run jobs."""
        return psutil.Process(self.pid("worker")).children()

    def extra_worker(
        self, *, prefix: Sequence[str] = (), redis_url: str | None = None, concurrency: int = 1
    ) -> subprocess.Popen[bytes]:
        """Start one more worker, which nobody restarts; `prefix` comes before its command."""
        environment = {**os.environ, "TASKKIT_REDIS_URL": redis_url or self.redis_url}
        environment["TASKKIT_REDIS_PLAIN"] = "true"  # hosts of the test's own, by its own cables
        environment["TASKKIT_SIGNING_KEYS_FILE"] = str(self.stack.signing_keys_file)
        command = [*prefix, sys.executable, "-m", "taskkit_worker"]
        log = (self.folder / f"extra-{len(self._extras)}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [*command, "--concurrency", str(concurrency)],
                env=environment,
                stdout=log,
                stderr=log,
            )
        self._extras.append(process)
        return process

    def _end_extras(self) -> None:
        while self._extras:
            process = self._extras.pop()
            if process.poll() is None:
                for each in psutil.Process(process.pid).children(recursive=True):
                    each.kill()
                process.kill()
            process.wait(10)

    # Faults

    @contextmanager
    def fault(self, name: str) -> Iterator[None]:
        """Note when something is broken and when it is mended."""
        self.recorder.note("fault", FaultBegan(name=name))
        try:
            yield
        finally:
            self.recorder.note("fault", FaultEnded(name=name))

    def abandon_log(self) -> None:
        """Note that what the user's log has held until now is given up."""
        epoch = RedisLedger(self.redis_url).head(LOCAL_OWNER).epoch
        self.recorder.note("fault", Abandoned(epoch=epoch))

    @contextmanager
    def no_redis(self) -> Iterator[None]:
        """Kill Redis, and keep its successor from starting within the block."""
        before = self.pid("redis")
        # Its successor waits for this lock, as it would for a predecessor that has not ended yet.
        with (self.redis_folder / "lock").open("rb+") as lock:
            os.kill(before, 9)
            _lock(lock.fileno())
            yield
        self.await_successor("redis", before)


def _lock(fd: int) -> None:
    deadline = time.monotonic() + 5
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.001)
