"""A primary, its replicas and three sentinels, as processes of a test's own on loopback."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from redis_process import redis_binary, wait_until_it_answers
from waiting import wait_until

from taskkit.stack.identity import free_port

MASTER = "lab"
PASSWORD = "geheim"
DOWN_AFTER_MS = 1000


@dataclass
class Node:
    """One Redis."""

    folder: Path
    lines: tuple[str, ...]
    port: int = field(default_factory=free_port)
    is_sentinel: bool = False
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        password = "" if self.is_sentinel else f":{PASSWORD}@"
        return f"redis://{password}127.0.0.1:{self.port}/0"

    @property
    def client(self) -> Any:
        """A client of this one alone."""
        return redis.Redis.from_url(self.url, decode_responses=True, socket_timeout=5)

    def info(self) -> dict[str, Any]:
        """Return what it tells of itself; nothing while its clients are cut off."""
        try:
            return dict(self.client.info())
        except redis.ConnectionError:
            return {}

    def start(self) -> None:
        """Start it, and return when it takes commands. What it has rewritten holds."""
        conf, log = self.folder / "redis.conf", self.folder / "redis.log"
        if not conf.exists():
            always = ("bind 127.0.0.1", f"port {self.port}", f"dir {self.folder}")
            conf.write_text("".join(f"{line}\n" for line in (*always, *self.lines)))
        words = [str(redis_binary()), str(conf), *(["--sentinel"] if self.is_sentinel else [])]
        with log.open("ab") as out:
            self.process = subprocess.Popen(words, stdout=out, stderr=out)
        wait_until_it_answers(self.url, self.process, log)

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)


@dataclass
class Watched:
    """All of them."""

    nodes: list[Node]
    sentinels: list[Node]

    def url(self, replicas: int = 0) -> str:
        """Return the address that taskkit is told."""
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        return f"redis+sentinel://:{PASSWORD}@{hosts}/{MASTER}/0?replicas={replicas}"

    def primary(self) -> Node:
        """Return the one that the sentinels name."""
        _, port = self.sentinels[0].client.sentinel_get_master_addr_by_name(MASTER)
        return next(node for node in self.nodes if node.port == int(port))

    def replicas(self) -> list[Node]:
        """Return the others."""
        return [node for node in self.nodes if node is not self.primary()]

    def fail_over(self) -> Node:
        """Kill the primary; return it when another one is the primary and takes writes."""
        old = self.primary()
        old.kill()
        self.await_another(old)
        return old

    def await_another(self, old: Node) -> None:
        """Return when all sentinels name another primary than that, which is one."""

        def is_done() -> bool:
            named = {
                sentinel.client.sentinel_get_master_addr_by_name(MASTER)
                for sentinel in self.sentinels
            }
            if len(named) != 1 or int(next(iter(named))[1]) == old.port:
                return False
            return self.primary().info().get("role") == "master"

        wait_until(is_done)


@contextmanager
def running_sentinels(folder: Path, *lines: str, replicas: int = 1) -> Iterator[Watched]:
    """Run them; `lines` are further ones of primary and replicas."""
    kept = ("appendonly yes", "appendfsync always", "repl-diskless-sync-delay 0")
    secret = (f"requirepass {PASSWORD}", f"masterauth {PASSWORD}")
    nodes = [Node(folder / f"node-{n}", (*kept, *secret, *lines)) for n in range(replicas + 1)]
    for node in nodes[1:]:
        node.lines = (*node.lines, f"replicaof 127.0.0.1 {nodes[0].port}")
    watch = (
        f"sentinel monitor {MASTER} 127.0.0.1 {nodes[0].port} 2",
        f"sentinel auth-pass {MASTER} {PASSWORD}",
        f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}",
        f"sentinel failover-timeout {MASTER} 10000",
    )
    sentinels = [Node(folder / f"sentinel-{n}", watch, is_sentinel=True) for n in range(3)]
    everything = [*nodes, *sentinels]
    try:
        for node in everything:
            node.folder.mkdir(parents=True)
            node.start()
        watched = Watched(nodes, sentinels)

        def is_complete() -> bool:
            seen = [one.client.sentinel_master(MASTER) for one in sentinels]
            return all(
                one["num-other-sentinels"] == 2 and one["num-slaves"] == replicas for one in seen
            ) and all(node.info().get("master_link_status") == "up" for node in nodes[1:])

        wait_until(is_complete)
        yield watched
    finally:
        for node in everything:
            node.kill()
