"""What grows: jobs that wait in the queue, and clients that are connected."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import redis

import taskkit
from taskkit.stack.parts import plan_parts

from . import work
from .contestants.contestant import PROCESSES, Missing
from .contestants.plain_celery import PlainCelery
from .crowd import Crowd, Refused
from .memory import family, pss_mb, rss_bytes
from .report import Report
from .sizes import Sizes

FOR_REQUESTS = 32
"""Threads of a server that no socket holds."""


@dataclass(frozen=True, slots=True)
class Filler:
    """Puts jobs into a queue that no worker serves."""

    redis_url: str
    submit: Callable[[int], Sequence[Any]]
    #: Returns the jobs, when all of them are accepted.
    stop: Callable[[], None]


def queue(name: str, sizes: Sizes, report: Report) -> None:
    """Tell what jobs cost while the queue grows to each size; jobs are held on to by the client."""
    filler = {"taskkit": _taskkit, "celery": _celery}[name]()
    held: list[Any] = []
    costs = []
    try:
        store = redis.Redis.from_url(filler.redis_url)
        held += filler.submit(sizes.warm_calls)
        for size in sizes.queued:
            more = size - len(held)
            stored, in_memory, began = _used(store), rss_bytes(), time.perf_counter()
            held += filler.submit(more)
            took_s = time.perf_counter() - began
            found = {
                "rate": more / took_s,
                "redis": (_used(store) - stored) / more,
                "client": (rss_bytes() - in_memory) / more,
            }
            # The rate on the way here is also that of a longer burst; now what a job costs here.
            times_s = []
            for _ in range(sizes.furthers):
                began = time.perf_counter()
                held += filler.submit(sizes.further)
                times_s.append(time.perf_counter() - began)
            costs.append(statistics.median(times_s))
            found["further"] = sizes.further / costs[-1]
            report.figures("queue", {f"{size}.{end}": value for end, value in found.items()})
        report.figures("queue", {"flat": max(costs) / min(costs)})
    finally:
        filler.stop()


def _taskkit() -> Filler:
    stack = taskkit.LocalStack(plan=lambda *given: plan_parts(*given)[:-1]).start()
    client = stack.client()

    def submit(count: int) -> Sequence[Any]:
        jobs = [client.submit(work.nothing) for _ in range(count)]
        for job in jobs:
            _ = job.id  # it has one when the server has it
        return jobs

    def stop() -> None:
        client.close()
        stack.stop()

    return Filler(stack.redis_url, submit, stop)


def _celery() -> Filler:
    celery = PlainCelery(has_worker=False)
    celery.start()
    task = celery.app.tasks[work.nothing.__name__]
    return Filler(
        celery.redis.url, lambda count: [task.apply_async() for _ in range(count)], celery.stop
    )


def _used(store: redis.Redis) -> int:
    return int(store.info("memory")["used_memory"])


def clients(_name: str, sizes: Sizes, report: Report) -> None:
    """Tell how long a no-op takes beside so many sockets, which hear of no jobs but of workers."""
    most = max(sizes.clients) + PROCESSES
    # All are of one user, and each holds a thread.
    seats = {"MAX_SOCKETS": most, "MAX_SOCKETS_PER_USER": most, "THREADS": most + FOR_REQUESTS}
    os.environ |= {f"TASKKIT_SERVER_{name}": str(count) for name, count in seats.items()}
    with taskkit.LocalStack(workers=PROCESSES) as stack:
        client = stack.client()
        client.submit(work.nothing).result(60)
        with Crowd(stack.url, stack.token) as crowd:
            for count in sizes.clients:
                try:
                    crowd.grow(count)
                except Refused as refusal:
                    raise Missing(f"with {len(crowd)} connected: {refusal}") from refusal
                times_ms = []
                for _ in range(sizes.client_trips):
                    began = time.perf_counter()
                    client.submit(work.nothing).result(60)
                    times_ms.append(1000 * (time.perf_counter() - began))
                server_mb = sum(map(pss_mb, family(stack.pids()["server"])))
                found = {"p50": statistics.median(times_ms), "server": server_mb}
                report.figures("clients", {f"{count}.{end}": v for end, v in found.items()})
        client.close()
