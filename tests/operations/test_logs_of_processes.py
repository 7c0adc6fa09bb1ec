"""Logs of a real server and a real worker: every line JSON, and a job found in both."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from running import TOKEN, Running, running_server, running_worker
from waiting import wait_until

import taskkit
from taskkit.protocol.errors import TaskNotFound

pytestmark = pytest.mark.stack

TASKS = """
import logging, os, signal, warnings
from taskkit import task

@task
def fail():
    logging.getLogger("mine").warning("said by the job")
    print("printed by the job")
    raise ValueError("what is in here is the user's")

@task
def die():
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    """Tasks that go wrong."""
    path = tmp_path / "wrong.py"
    path.write_text(TASKS)
    return path


Both = tuple[Running, Running]


@pytest.fixture
def both(start_redis: Callable[..., str], tmp_path: Path, tasks: Path) -> Iterator[Both]:
    """A server and a worker that log JSON, one told by an argument and one by the environment."""
    url = start_redis('save ""')
    with (
        running_server(url, tmp_path / "server.log", "--log-format", "json") as server,
        running_worker(
            url,
            tmp_path / "worker.log",
            *("--concurrency", "1", "--tasks", str(tasks)),
            TASKKIT_LOG_FORMAT="json",
        ) as worker,
    ):
        yield server, worker


def lines(running: Running) -> list[dict[str, Any]]:
    """Return what a process has logged; fail for a line that is no JSON."""
    return [json.loads(line) for line in running.text().splitlines()]


def about(running: Running, **facts: Any) -> list[dict[str, Any]]:
    """Return the lines that say these facts."""
    return [line for line in lines(running) if facts.items() <= line.items()]


def test_a_job_is_found_in_the_logs_of_both(both: Both) -> None:
    """By its id; the server's line has the request, the worker's the attempt."""
    server, worker = both
    with taskkit.Client(server.url, token=TOKEN) as client:
        job = client.submit("fail")
        with pytest.raises(ValueError, match="user's"):
            job.result(timeout=60)
        [accepted] = [line for line in lines(server) if job.id in line.get("jobs", ())]
        assert (accepted["user"], len(accepted["request"])) == ("local", 32)
        wait_until(lambda: bool(about(worker, job=job.id)), 20)
        [failed] = about(worker, job=job.id)
        assert (failed["event"], failed["attempt"]) == ("an attempt failed: ValueError", 1)
        assert failed["worker"]
        assert failed["user"] == "local"
        # What jobs say is theirs, not the worker's.
        assert "said by the job" in job.output
        assert "printed by the job" in job.output
        for private in ("said by the job", "printed by the job", "what is in here"):
            assert private not in worker.text()


def test_a_dead_attempt_is_told_with_its_cause(both: Both) -> None:
    """In the worker's log as in the job's."""
    server, worker = both
    with taskkit.Client(server.url, token=TOKEN) as client:
        job = client.submit("die")
        with pytest.raises(taskkit.JobLost):
            job.result(timeout=60)
    wait_until(lambda: len(about(worker, job=job.id)) == 3, 20)
    told = about(worker, job=job.id)
    assert [line["attempt"] for line in told] == [1, 2, 3]
    assert all("signal 9" in line["event"] and line["level"] == "warning" for line in told)


def test_an_error_in_a_notebook_leads_to_the_server_s_line(both: Both) -> None:
    """By the request's id, which every problem has."""
    server, _ = both
    with taskkit.Client(server.url, token=TOKEN) as client:
        with pytest.raises(TaskNotFound) as caught:
            client.submit("no such task").result(timeout=60)
        id = caught.value.details["request_id"]
    wait_until(lambda: bool(about(server, request=id)), 20)
    [line] = about(server, request=id)
    assert line["event"] == "accepted 0 jobs, knew 0, refused 1"


def test_every_line_stays_json_when_redis_goes_and_comes(
    start_redis: Callable[..., str], tmp_path: Path
) -> None:
    """Of gunicorn, Celery and kombu as well, until both are stopped."""
    import redis

    from taskkit.stack.identity import free_port

    port = free_port()
    url = start_redis("appendonly yes", port=port)
    with (
        running_server(url, tmp_path / "server.log", "--log-format", "json") as server,
        running_worker(url, tmp_path / "worker.log", "--log-format", "json") as worker,
    ):
        pid = redis.Redis.from_url(url).info("server")["process_id"]
        os.kill(pid, signal.SIGSTOP)
        os.kill(pid, signal.SIGKILL)
        server.get("/jobs")
        wait_until(lambda: any(one["level"] == "warning" for one in lines(server)), 30)
        wait_until(lambda: any(one["level"] in ("warning", "error") for one in lines(worker)), 30)
        [child] = server.children()
        os.kill(child, signal.SIGKILL)
        wait_until(lambda: any(one["logger"] == "gunicorn.error" for one in lines(server)), 30)
    assert {one["logger"].partition(".")[0] for one in lines(worker)} >= {"taskkit_worker"}
    assert lines(server)


@pytest.mark.parametrize("module", ["taskkit_server", "taskkit_worker"])
def test_a_format_that_is_none_is_refused(module: str, tmp_path: Path) -> None:
    """Also where the environment asks for it."""
    import subprocess
    import sys

    environment = {
        **os.environ,
        "TASKKIT_REDIS_URL": "redis://127.0.0.1:1",
        "TASKKIT_TOKEN": "x",
        "TASKKIT_LOG_FORMAT": "xml",
    }
    ran = subprocess.run(
        [sys.executable, "-m", module], env=environment, capture_output=True, text=True, timeout=60
    )
    assert ran.returncode != 0
    assert re.search(r"text.*json", ran.stderr)
    assert "Traceback" not in ran.stderr
