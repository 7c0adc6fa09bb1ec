"""The least that taskkit's parts take: Flask, a Redis that writes to the disk, two processes.

Nobody would use it. A job is a pickle in a list of Redis', a result another one, and a large array
a file, each on the disk before anybody is told of it. There is no state, no owner, no second
attempt, no log of events and nothing kept; the client has its results from Redis itself. So what
this takes, a job takes that is accepted by Flask and not lost by a power cut, whoever made it.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import redis
from urllib3.exceptions import HTTPError

from taskkit.client.whole import Plain
from taskkit.stack.identity import free_port

from .bare_values import packed, patient, unpacked
from .contestant import LIMIT_S, PROCESSES, batch, chunks
from .executor import ByExecutor
from .own_redis import OwnRedis

MOST_JOBS = 500
"""How many travel in one request, as with taskkit."""


class Client:
    """Submits by HTTP, a thread sending what came in meanwhile; another one takes results."""

    def __init__(self, port: int, redis: Any, folder: str) -> None:
        self._connection = Plain("127.0.0.1", port)
        self._redis = redis
        self._folder = folder
        self._results = f"results:{uuid.uuid4().hex}"
        self._futures: dict[str, Future[Any]] = {}
        self._waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        for loop in (self._send, self._take):
            threading.Thread(target=loop, daemon=True).start()

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Have a function called."""
        id, future = uuid.uuid4().hex, Future[Any]()
        self._futures[id] = future
        given = [packed(value, self._folder) for value in args]
        self._waiting.put(pickle.dumps((self._results, id, function, given)))
        return future

    def _send(self) -> None:
        while True:
            jobs = [self._waiting.get()]
            while len(jobs) < MOST_JOBS and not self._waiting.empty():
                jobs.append(self._waiting.get())
            self._connection.request("POST", "/jobs", body=pickle.dumps(jobs))
            answer = self._connection.getresponse()
            if answer.status != 200 or answer.data != str(len(jobs)).encode():
                raise RuntimeError(f"the bare server answered {answer.status}: {answer.data!r}")

    def _take(self) -> None:
        while True:
            try:
                _, result = self._redis.blpop(self._results)
            except redis.RedisError:
                return  # it was stopped
            id, value = pickle.loads(result)
            self._futures.pop(id).set_result(unpacked(value))


class BareParts(ByExecutor):
    """See the module."""

    def start(self) -> None:
        """Start Redis, a server of the kind that taskkit has, and two processes."""
        self._redis = OwnRedis(is_durable=True)
        port, folder = free_port(), os.environ["BENCH_FOLDER"]
        env = {**os.environ, "BENCH_REDIS_URL": self._redis.url}
        commands = [
            [
                *("gunicorn", "--no-control-socket", "-b", f"127.0.0.1:{port}", "-k", "gthread"),
                *("--threads", "4", "--keep-alive", "60", "bench.contestants.bare_server:app"),
            ],
            *[["bench.contestants.bare_worker"]] * PROCESSES,
        ]
        self._processes = [
            subprocess.Popen([sys.executable, "-m", *command], env=env, start_new_session=True)
            for command in commands
        ]
        self._await(port)
        self.executor = Client(port, patient(self._redis.url), folder)

    def stop(self) -> None:
        """End them."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(30)
        self._redis.stop()

    def map(self, function: Callable[..., Any], items: Sequence[Any]) -> Any:
        """Submit a job an item."""
        return self.calls(function, [(item,) for item in items])

    def map_in_chunks(self, function: Callable[..., Any], items: Sequence[Any]) -> Any:
        """Submit a job a chunk."""
        lists = self.calls(batch, [(function, chunk) for chunk in chunks(items)])
        return [value for values in lists for value in values]

    def _await(self, port: int) -> None:
        """Return when the server answers; the processes wait for Redis themselves."""
        pause = threading.Event()
        for _ in range(int(LIMIT_S / 0.02)):
            try:
                connection = Plain("127.0.0.1", port)
                connection.request("POST", "/jobs", body=pickle.dumps([]))
                connection.getresponse()
            except (HTTPError, OSError):
                pause.wait(0.02)
            else:
                return
        raise TimeoutError("the bare server does not answer")


ENTRANT = BareParts
