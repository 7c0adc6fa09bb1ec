"""taskkit and what else a user might take, each with two processes on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from celery import Celery

import taskkit

from .figures import FUNCTIONS, PROCESSES, Contestant


class Executor:
    """taskkit's client and the standard library's pool have the same interface."""

    def __init__(self, name: str, executor: Any) -> None:
        self.name = name
        self._executor = executor

    def submit(self, task: str, *args: Any) -> Future[Any]:
        """Submit the function itself."""
        future: Future[Any] = self._executor.submit(FUNCTIONS[task], *args)
        return future


def stock_celery(redis_url: str) -> Celery:
    """Return a Celery application as its first pages show it, results in Redis too."""
    app = Celery("bench", broker=redis_url, backend=redis_url)
    for name, function in FUNCTIONS.items():
        app.task(function, name=name)
    return app


class PlainCelery:
    """Celery's own results, waited for by its own means."""

    name = "Celery"

    def __init__(self, app: Celery) -> None:
        self._app = app

    def submit(self, task: str, *args: Any) -> Future[Any]:
        """Send the task; a future waits for its result where it is asked for it."""
        return _Waiting(self._app.send_task(task, args=args))


class _Waiting(Future):  # type: ignore[type-arg]
    def __init__(self, result: Any) -> None:
        super().__init__()
        self._result_of_celery = result

    def result(self, timeout: float | None = None) -> Any:
        return self._result_of_celery.get(timeout=timeout)


@contextmanager
def process_pool() -> Iterator[Contestant]:
    """The standard library's pool."""
    with ProcessPoolExecutor(PROCESSES) as pool:
        yield Executor("process pool", pool)


@contextmanager
def this_taskkit(stack: taskkit.LocalStack) -> Iterator[Contestant]:
    """taskkit on a stack of its own."""
    client = stack.client()
    yield Executor("taskkit", client)
    client.close()


@contextmanager
def plain_celery(stack: taskkit.LocalStack) -> Iterator[Contestant]:
    """A stock Celery worker on another database of the same Redis."""
    url = stack.redis_url.rsplit("/", 1)[0] + "/9"
    environment = {**os.environ, "BENCH_REDIS_URL": url}
    command = [sys.executable, "-m", "celery", "-q", "-A", "bench.celery_app", "worker"]
    options = ["-c", str(PROCESSES), "--loglevel=ERROR"]
    worker = subprocess.Popen([*command, *options], env=environment, stderr=subprocess.DEVNULL)
    try:
        app = stock_celery(url)
        app.send_task("nothing").get(timeout=60)
        yield PlainCelery(app)
    finally:
        worker.terminate()
        worker.wait(30)
