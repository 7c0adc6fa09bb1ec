"""Users who share workers, and queues with workers of their own, on a real stack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_until

import taskkit
from taskkit.protocol.tokens import Scope

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

ALL = [str(scope) for scope in (Scope.SUBMIT, Scope.READ, Scope.CANCEL, Scope.CODE)]


@pytest.fixture(scope="module")
def shared() -> Iterator[taskkit.LocalStack]:
    """A stack for several users, two jobs at once."""
    with taskkit.LocalStack(workers=2) as stack:
        yield stack


@contextmanager
def user(stack: taskkit.LocalStack, name: str) -> Iterator[taskkit.Client]:
    """A client of one user's."""
    with stack.client() as root:
        made = root._link.http.post("/tokens", {"user": name, "scopes": ALL})
    client = taskkit.Client(stack.url, token=made["token"])
    try:
        yield client
    finally:
        client.close()  # leaving it as an executor would wait for jobs that nobody runs


@contextmanager
def worker(stack: taskkit.LocalStack, queues: str) -> Iterator[int]:
    """One more worker of a stack, for these queues; yields its pid."""
    words = ("--concurrency", "1", "--queues", queues)
    process = subprocess.Popen(
        [sys.executable, "-m", "taskkit_worker", *words],
        env={
            **os.environ,
            "TASKKIT_REDIS_URL": stack.redis_url,
            "TASKKIT_SIGNING_KEYS_FILE": str(stack.signing_keys_file),
        },
    )
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)


def pause(seconds: float) -> float:
    """Work for a while; return when that began."""
    began = time.time()
    time.sleep(seconds)
    return began


def begun(jobs: list[taskkit.Job[float]]) -> list[int]:
    """Return when those of some jobs were begun that were, the first one first."""
    return sorted(job.record.started_at for job in jobs if job.record.started_at is not None)


def test_who_floods_delays_others_by_no_more_than_twice(shared: taskkit.LocalStack) -> None:
    """However many jobs one user has submitted before, between two of another's there is one."""
    with user(shared, "ana") as ana, user(shared, "flood") as flood:
        hundreds = [flood.submit(pause, 0.2) for _ in range(300)]
        wait_until(lambda: any(job.running() for job in hundreds))
        few = [ana.submit(pause, 0.2) for _ in range(12)]
        for job in few:
            job.result(90)
        came_at = min(job.record.created_at for job in few)
        others = [at for at in begun(hundreds) if at > came_at]
        for job in hundreds:
            job.cancel()
    for n, at in enumerate(begun(few)):
        # Besides, one may be begun in each process before it is ana's turn there.
        assert sum(other < at for other in others) <= n + 2, (begun(few), others)
    assert len(others) >= 10


def test_a_queue_is_served_by_its_own_workers(shared: taskkit.LocalStack, tmp_path: Path) -> None:
    """Its jobs wait for them, while others pass by; a retry comes back to the same queue."""
    with user(shared, "ana") as ana:
        gpu = ana.options(queue="gpu", retries=1)
        waiting = gpu.submit(first_time_fails, tmp_path / "mark")
        ana.submit(pause, 0.0).result(60)
        assert waiting.record.state == "queued"
        queues = {one["name"]: one for one in ana._link.http.get("/queues")["queues"]}
        assert queues["gpu"]["queued"] == queues["gpu"]["queued_all"] == 1
        assert queues["gpu"]["workers"] == 0
        with worker(shared, "gpu,default") as pid:
            told = waiting.result(90)
            assert int(told) == pid
            name = waiting.record.worker
            [serving] = [
                one for one in ana._link.http.get("/workers")["workers"] if one["name"] == name
            ]
            assert serving["queues"] == ["gpu", "default"]
            assert serving["pid"] == pid
            # It takes of the other queue, too, while there is nothing in its own.
            some = [ana.submit(pause, 0.05) for _ in range(40)]
            assert all(job.result(60) for job in some)
            assert name in {job.record.worker for job in some}


def first_time_fails(mark: Path) -> str:
    """Raise once, then return the id of the worker's main process."""
    if mark.exists():
        return str(os.getppid())
    mark.touch()
    raise OSError("the first time")


def held_until(gate: str) -> None:
    """Wait for a file."""
    while not Path(gate).exists():
        time.sleep(0.02)


def test_what_is_urgent_goes_first(shared: taskkit.LocalStack, tmp_path: Path) -> None:
    """Ahead of one's own that wait already."""
    gate = tmp_path / "gate"
    with user(shared, "bob") as bob:
        holding = [bob.submit(held_until, str(gate)) for _ in range(2)]
        wait_until(lambda: all(job.running() for job in holding))
        normal = [bob.submit(pause, 0.05) for _ in range(6)]
        urgent = bob.options(priority=10).submit(pause, 0.05)
        for job in (*normal, urgent):
            job.wait_decided(30)
        gate.touch()
        urgent.result(60)
        for job in normal:
            job.result(60)
        assert begun([urgent])[0] <= begun(normal)[0]


def test_queues_are_listed_in_a_terminal(shared: taskkit.LocalStack) -> None:
    """With what waits and runs, and what to do where nobody serves one."""
    environment = {**os.environ, "TASKKIT_URL": shared.url, "TASKKIT_TOKEN": shared.token}

    def ask(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "taskkit", "queues", *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    with shared.client() as client:
        held = client.options(queue="night").submit(pause, 0.0)
        held.wait_decided(30)
        shown, told = ask(), ask("--json")
        held.cancel()
    [line] = [line for line in shown.stdout.splitlines() if line.startswith("night")]
    assert line.split() == ["night", "1", "0", "1", "0", "0", "0"]
    assert "no worker serves night" in shown.stdout
    queues: list[dict[str, Any]] = [json.loads(line) for line in told.stdout.splitlines()]
    assert queues[0]["name"] == "default"
    assert queues[0]["processes"] == 2
