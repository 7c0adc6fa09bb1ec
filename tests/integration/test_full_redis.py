"""No memory, or no room on the disk: it is said, nothing is lost, and it heals by itself."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import redis
import urllib3
from disks import full
from waiting import wait_until

import taskkit
from taskkit.client import Client, Job

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]

LIMIT_S = 60


def gated(entered: str, gate: str) -> str:
    """Print, wait for the gate, print, and leave a mark."""
    import pathlib
    import time

    print("before", flush=True)
    pathlib.Path(entered).touch()
    while not pathlib.Path(gate).exists():
        time.sleep(0.02)
    print("after", flush=True)
    pathlib.Path(gate).with_name("left").touch()
    return "kept"


def never_sent_before() -> int:
    """Return a number; the ledger has to be given this function first."""
    return 42


class Held:
    """A job that runs until `release`."""

    def __init__(self, client: Client, folder: Path) -> None:
        self._folder = folder
        entered = folder / "entered"
        self.job: Job[str] = client.submit(gated, str(entered), str(folder / "gate"))
        wait_until(entered.exists)

    def release(self) -> None:
        """Let it come to its end, whatever becomes of the outcome."""
        (self._folder / "gate").touch()
        wait_until((self._folder / "left").exists)

    def check_whole(self) -> None:
        """It was run once, and everything of it is there."""
        assert self.job.result(LIMIT_S) == "kept"
        assert self.job.output == "before\nafter\n"
        assert self.job.record.attempt == 1


class Http:
    """Requests as `curl` makes them: nothing is repeated."""

    def __init__(self, stack: taskkit.LocalStack) -> None:
        self._url = stack.url
        self._headers = {
            "Authorization": f"Bearer {stack.token}",
            "Content-Type": "application/json",
        }

    def post(self) -> Any:
        """Submit a named task."""
        body = json.dumps({"task": "demo", "arguments": {}})
        return self._ask("POST", "/jobs", body)

    def jobs(self) -> dict[str, str]:
        """Return the state of each job that there is, by id."""
        jobs = json.loads(self._ask("GET", "/jobs?limit=1000").data)["jobs"]
        return {job["id"]: job["state"] for job in jobs}

    def _ask(self, method: str, path: str, body: str | None = None) -> Any:
        return urllib3.request(
            method, self._url + path, body=body, headers=self._headers, retries=False, timeout=20
        )


def check_refused(response: Any) -> None:
    """It is a 503 that a program understands, with when to come again."""
    assert response.status == 503, response.data
    assert response.headers["Content-Type"] == "application/problem+json"
    assert int(response.headers["Retry-After"]) >= 1
    assert json.loads(response.data)["code"] == "unavailable"


def restarts(stack: taskkit.LocalStack) -> dict[str, int]:
    """Return how often each part was started again."""
    return {part.name: part.restarts for part in stack._running().status()}


def test_without_memory_nothing_is_accepted_and_nothing_lost(tmp_path: Path) -> None:
    """503 until there is memory; then what waited goes on, with the processes that were there."""
    with (
        taskkit.LocalStack(workers=2) as stack,
        stack.client() as client,
        redis.Redis.from_url(stack.redis_url, decode_responses=True) as admin,
    ):
        http, held, pids = Http(stack), Held(client, tmp_path), stack.pids()
        before = http.jobs()
        limit = admin.config_get("maxmemory")["maxmemory"]
        admin.config_set("maxmemory", admin.info("memory")["used_memory"] // 2)

        check_refused(http.post())
        later = client.submit(never_sent_before)
        held.release()
        for _ in range(10):
            check_refused(http.post())
        assert not later.done()
        assert http.jobs().keys() == before.keys()

        admin.config_set("maxmemory", limit)
        held.check_whole()
        assert later.result(LIMIT_S) == 42
        assert http.jobs().keys() == {*before, later.id}
        assert client.submit(pow, 2, 5).result(LIMIT_S) == 32
        assert stack.pids() == pids
        assert set(restarts(stack).values()) == {0}


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_without_room_on_the_disk_nothing_accepted_is_lost(
    disk: Path, tmp_path: Path, fsync: Any
) -> None:
    """Under `always` Redis ends at the first write that fails, is started again and again, and
    comes back with every job when there is room; under `everysec` it runs on and refuses."""
    with (
        taskkit.LocalStack(workers=2, data_dir=disk / "data", fsync=fsync) as stack,
        stack.client() as client,
    ):
        http, held, pids = Http(stack), Held(client, tmp_path), stack.pids()
        before = http.jobs()
        accepted = set()
        with full(disk):
            while (response := http.post()).status == 201:  # the last page of the file has room
                accepted.add(json.loads(response.data)["id"])
            check_refused(response)
            later = client.submit(never_sent_before)
            held.release()
            for_5_s = time.monotonic() + 5

            def was_refused_long_enough() -> bool:
                check_refused(http.post())
                is_tried = fsync == "everysec" or restarts(stack)["redis"] >= 4
                return is_tried and time.monotonic() > for_5_s

            wait_until(was_refused_long_enough)
            assert not later.done()
            assert not held.job.done()

        held.check_whole()
        assert later.result(LIMIT_S) == 42
        wait_until(lambda: set(http.jobs().values()) == {"succeeded"})
        assert http.jobs().keys() == {*before, *accepted, later.id}
        assert client.submit(pow, 2, 5).result(LIMIT_S) == 32
        after = stack.pids()
        assert all(after[name] == pids[name] for name in ("supervisor", "server", "worker"))
        assert restarts(stack)["server"] == restarts(stack)["worker"] == 0
        assert (restarts(stack)["redis"] == 0) == (fsync == "everysec")
