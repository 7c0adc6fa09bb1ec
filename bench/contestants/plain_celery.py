"""Plain Celery on Redis, with the advice of its documentation's page "Optimizing".

There: many short tasks want a prefetch multiplier of 50 to 150, and messages that need not outlive
the broker be transient. The worker does without gossip, mingle and heartbeat, which one worker
alone has no use for ("Workers Guide"). Its Redis keeps nothing on the disk: what Celery promises
does not need it, and it is faster so. `app.Task.chunks` is its way to map ("Canvas").
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from celery.result import ResultSet

from .celery_app import create_app, report
from .contestant import LIMIT_S, PROCESSES, Missing, Progress, chunk_size
from .own_redis import OwnRedis
from .sightings import Sightings

LOOK_EVERY_S = 0.001
"""How often Celery's `get` looks; by default each 0.5 s where messages do not wake it."""


class PlainCelery:
    """See the module."""

    def __init__(self, *, has_worker: bool = True) -> None:
        self._has_worker = has_worker
        self._worker: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start Redis and a worker with two pool processes."""
        self.redis = OwnRedis()
        self.app = create_app(self.redis.url)
        if not self._has_worker:
            return
        self._worker = subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-q", "-A", "bench.contestants.celery_app"),
                *("worker", "-P", "prefork", "-c", str(PROCESSES), "--loglevel", "ERROR"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            ],
            env={**os.environ, "BENCH_REDIS_URL": self.redis.url},
            start_new_session=True,
        )

    def stop(self) -> None:
        """End them."""
        if self._worker is not None:
            self._worker.terminate()
            self._worker.wait(30)
        self.redis.stop()

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Send, and get."""
        return self._task(function).apply_async(args).get(timeout=LIMIT_S, interval=LOOK_EVERY_S)

    def calls(self, function: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> Any:
        """Send all, then get the set of results."""
        task = self._task(function)
        sent = ResultSet([task.apply_async(args) for args in arguments], app=self.app)
        return sent.get(timeout=LIMIT_S, interval=LOOK_EVERY_S)

    def map(self, function: Callable[..., Any], items: Sequence[Any]) -> Any:
        """Send a task an item: Celery has no chunks of its own choice."""
        return self.calls(function, [(item,) for item in items])

    def map_in_chunks(self, function: Callable[..., Any], items: Sequence[Any]) -> Any:
        """Use Celery's chunks; each is a task."""
        lists = self._task(function).chunks(((item,) for item in items), chunk_size(len(items)))
        answers = lists.group().apply_async().get(timeout=LIMIT_S, interval=LOOK_EVERY_S)
        return [value for answer in answers for value in answer]

    def shared(self, function: Callable[..., Any], array: Any, jobs: int) -> Any:  # noqa: ARG002
        """Refuse, as `call` of an array would have to."""
        raise Missing('its messages are JSON; "Tasks", "Data locality": move the work to the data')

    def progress(self, updates: int) -> Progress:
        """Report by `update_state`, as "Tasks", "Custom states" has it; listen by `on_message`."""
        seen = Sightings()

        def listen(message: dict[str, Any]) -> None:
            if message["status"] == "PROGRESS":
                seen.note(message["result"]["done"])

        sent = self.app.tasks[report.__name__].apply_async((updates,))
        told = sent.get(timeout=LIMIT_S, interval=LOOK_EVERY_S, on_message=listen)
        return seen.progress(tuple(told))

    def _task(self, function: Callable[..., Any]) -> Any:
        return self.app.tasks[function.__name__]


ENTRANT = PlainCelery
