"""A real Flower beside a worker that it may watch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from running import TOKEN, Running, running_server, running_worker
from waiting import wait_until

import taskkit
from taskkit.stack.identity import free_port

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]


@pytest.fixture
def redis_of_all(start_redis: Callable[..., str]) -> str:
    """Where server, worker and Flower meet."""
    return start_redis('save ""')


@pytest.fixture
def flower(redis_of_all: str, tmp_path: Path) -> Iterator[Callable[[str], Any]]:
    """Start it as the docs say, and return what asks its API."""
    port = free_port()
    command = f"-m celery -A taskkit_worker.flower flower --address=127.0.0.1 --port={port}"
    log = (tmp_path / "flower.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, *command.split()],
        env={**os.environ, "TASKKIT_REDIS_URL": redis_of_all, "FLOWER_UNAUTHENTICATED_API": "true"},
        cwd=tmp_path,
        stdout=log,
        stderr=log,
    )

    def ask(path: str) -> Any:
        assert process.poll() is None, (tmp_path / "flower.log").read_text()
        try:
            answer = urllib3.request(
                "GET", f"http://127.0.0.1:{port}/api/{path}", retries=False, timeout=10
            )
        except urllib3.exceptions.HTTPError:
            return {}
        return answer.json() if answer.status == 200 else {}

    try:
        yield ask
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()


@pytest.fixture
def server(redis_of_all: str, tmp_path: Path) -> Iterator[Running]:
    """What takes jobs."""
    with running_server(redis_of_all, tmp_path / "server.log") as running:
        yield running


def names(found: dict[str, Any]) -> list[str]:
    """Return the workers that Flower lists."""
    return [name for name in found if name.startswith("taskkit@")]


def test_flower_sees_the_worker_and_what_wakes_it(
    flower: Callable[[str], Any], server: Running, redis_of_all: str, tmp_path: Path
) -> None:
    """As with any Celery application; jobs run as ever, and the log warns of the price."""
    with (
        running_worker(
            redis_of_all, tmp_path / "worker.log", "--concurrency", "1", "--remote-control"
        ) as worker,
        taskkit.Client(server.url, token=TOKEN) as client,
    ):

        def is_known() -> bool:
            # A look that the worker does not answer in time leaves out what it would have said.
            found = flower("workers?refresh=1")
            told = [found[name] for name in names(found)]
            return bool(told) and {"registered", "active_queues"} <= told[0].keys()

        wait_until(is_known)
        found = flower("workers")
        [told] = [found[name] for name in names(found)]
        assert "taskkit.wake" in told["registered"]
        queues = [queue["name"] for queue in told["active_queues"]]
        assert [name for name in queues if "@" not in name] == ["taskkit.jobs"]
        assert client.submit("demo").result(timeout=60)

        def woken() -> list[str]:
            return [
                one["state"] for one in flower("tasks").values() if one["name"] == "taskkit.wake"
            ]

        wait_until(lambda: "SUCCESS" in woken(), 60)
        assert "Celery 5.7.0 exits when Redis goes away" in worker.text()


def test_a_worker_heeds_no_remote_control_unless_it_is_told_to(
    redis_of_all: str, tmp_path: Path
) -> None:
    """Whoever can write to Redis could else stop it."""
    from taskkit_worker.app import create_app

    app = create_app(redis_of_all, is_watched=True)
    with running_worker(redis_of_all, tmp_path / "off.log", "--concurrency", "1") as worker:
        assert app.control.ping(timeout=2) == []
        assert "remote control" not in worker.text()
    with running_worker(
        redis_of_all, tmp_path / "on.log", "--concurrency", "1", "--remote-control"
    ):
        wait_until(lambda: len(app.control.ping(timeout=1)) == 1, 30)
