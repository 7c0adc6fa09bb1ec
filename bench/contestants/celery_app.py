"""The application of plain Celery, for its client and, loaded by name, for its worker."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery

from .. import work


def create_app(redis_url: str) -> Celery:
    """Return an application that keeps results in the Redis which is its broker too."""
    app = Celery("bench", broker=redis_url, backend=redis_url)
    app.conf.update(
        task_ignore_result=False,
        task_default_delivery_mode="transient",
        worker_prefetch_multiplier=64,
        broker_connection_retry_on_startup=True,
    )
    for function in work.FUNCTIONS:
        app.task(function, name=function.__name__)
    app.task(report, bind=True, name=report.__name__)
    return app


def report(task: Any, updates: int) -> tuple[float, int, float]:
    """Report numbers as the state of this task."""

    def send(number: int) -> None:
        task.update_state(state="PROGRESS", meta={"done": number, "total": updates})

    return work.reporting(send, updates)


if "BENCH_REDIS_URL" in os.environ:
    app = create_app(os.environ["BENCH_REDIS_URL"])
